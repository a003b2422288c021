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
    /// `module`, with the state of its C code.
    Module,
    /// The iterator of an `Element`.
    ElementIterator,
    /// `itertools._tee_dataobject`.
    TeeData,
    /// `itertools.product`.
    Product,
    /// `itertools.combinations`.
    Combinations,
    /// `itertools.combinations_with_replacement`.
    CombinationsWithReplacement,
    /// `itertools.permutations`.
    Permutations,
    /// `functools._lru_cache_wrapper`, with the list of its entries.
    LruCache,
    /// `pyexpat.xmlparser`.
    XmlParser,
    /// `sqlite3.Connection`.
    SqliteConnection,
    /// `_queue.SimpleQueue`.
    SimpleQueue,
    /// A compiled template of `re`.
    Template,
    /// `zoneinfo.ZoneInfo`.
    ZoneInfo,
    /// The dictionary of a type of ctypes, up to 3.12.
    StgDict,
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
            "dict" | "frozendict" => Self::Dict,
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
            "_struct.Struct" | "Struct" => Self::Struct,
            "_pickle.Pickler" => Self::Pickler,
            "_pickle.Unpickler" => Self::Unpickler,
            "memoryview" => Self::MemoryView,
            "module" => Self::Module,
            "_elementtree._element_iterator" => Self::ElementIterator,
            "itertools._tee_dataobject" => Self::TeeData,
            "itertools.product" => Self::Product,
            "itertools.combinations" => Self::Combinations,
            "itertools.combinations_with_replacement" => Self::CombinationsWithReplacement,
            "itertools.permutations" => Self::Permutations,
            "functools._lru_cache_wrapper" => Self::LruCache,
            "pyexpat.xmlparser" => Self::XmlParser,
            "sqlite3.Connection" => Self::SqliteConnection,
            "_queue.SimpleQueue" => Self::SimpleQueue,
            "_sre.SRE_Template" => Self::Template,
            "zoneinfo.ZoneInfo" => Self::ZoneInfo,
            "StgDict" => Self::StgDict,
            "float" | "complex" | "object" | "NoneType" | "NotImplementedType" | "ellipsis"
            | "stderrprinter" => Self::Plain,
            _ => return None,
        })
    }
}
