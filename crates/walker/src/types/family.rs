/// How the instances of a type keep what varies in size or shape. Everything else about a
/// type is data: the fields of its struct, from the layout's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Nothing varies.
    Plain,
    Int,
    Str,
    Bytes,
    ByteArray,
    Tuple,
    List,
    Dict,
    OrderedDict,
    Set,
    Deque,
    Type,
    Code,
    Frame,
    /// Generators, coroutines and asynchronous generators.
    Generator,
    HamtArray,
    HamtBitmap,
    HamtCollision,
    Array,
    /// `xml.etree.ElementTree.Element`.
    Element,
    /// `_io.BytesIO`.
    BytesIo,
    /// `_io.StringIO`.
    StringIo,
    /// `_io.BufferedReader` and its siblings.
    Buffered,
    /// `decimal.Decimal`.
    Decimal,
    /// `_struct.Struct`.
    Struct,
    /// `_pickle.Pickler`, with its memo.
    Pickler,
    /// `_pickle.Unpickler`, with its memo and stack.
    Unpickler,
    /// `memoryview`: an array of shape and strides at its end.
    MemoryView,
    /// `datetime.datetime` and `datetime.time`: allocated shorter without a time zone.
    DateTime,
}

impl Family {
    /// The family of the instances of a type in C, by its `tp_name`.
    pub(crate) fn of_c_type(tp_name: &str) -> Option<Self> {
        Some(match tp_name {
            "int" => Self::Int,
            "str" => Self::Str,
            "bytes" => Self::Bytes,
            "bytearray" => Self::ByteArray,
            "tuple" => Self::Tuple,
            "list" => Self::List,
            "dict" => Self::Dict,
            "collections.OrderedDict" => Self::OrderedDict,
            "set" | "frozenset" => Self::Set,
            "collections.deque" => Self::Deque,
            "type" => Self::Type,
            "code" => Self::Code,
            "frame" => Self::Frame,
            "generator" | "coroutine" | "async_generator" => Self::Generator,
            "hamt_array_node" => Self::HamtArray,
            "hamt_bitmap_node" => Self::HamtBitmap,
            "hamt_collision_node" => Self::HamtCollision,
            "array.array" => Self::Array,
            "xml.etree.ElementTree.Element" => Self::Element,
            "_io.BytesIO" => Self::BytesIo,
            "_io.StringIO" => Self::StringIo,
            "_io.BufferedReader" | "_io.BufferedWriter" | "_io.BufferedRandom" => Self::Buffered,
            "decimal.Decimal" => Self::Decimal,
            "_struct.Struct" => Self::Struct,
            "_pickle.Pickler" => Self::Pickler,
            "_pickle.Unpickler" => Self::Unpickler,
            "memoryview" => Self::MemoryView,
            "datetime.datetime" | "datetime.time" => Self::DateTime,
            "float" | "complex" | "object" | "NoneType" | "NotImplementedType" | "ellipsis"
            | "stderrprinter" => Self::Plain,
            _ => return None,
        })
    }
}
