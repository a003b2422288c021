//! Types of extension libraries that hide what they hold: no `tp_traverse`, or objects and
//! memory behind pointers of their own. One file per type; `docs/decoders.md` says how to
//! add one.
//!
//! A decoder is found by the `tp_name` of a type, and looks at the type itself before it
//! takes it: the layouts that it knows are data, and a type that fits none of them is left
//! to the general ways, with a diagnostic. It knows no version of CPython: the head of an
//! object, and everything that belongs to the interpreter, comes from the layout.

mod arrow;
mod capsule;
mod cffi;
mod cpp;
mod cython_function;
mod greenlet;
mod numpy_array;
mod numpy_dtype;
mod numpy_dtype_meta;
mod numpy_iterator;
mod numpy_scalar;
mod numpy_string;
mod numpy_ufunc;
mod pandas_table;
mod pydantic_url;
mod torch;
mod upb;
mod upb_arena;

use crate::diagnostics::Trouble;
use crate::extent::Parts;
use crate::names::Names;
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use crate::types::{Field, TypeInfo};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// A type in C, as a decoder sees it before it takes it.
pub(crate) struct CType<'a> {
    /// Its `tp_name`, with the module.
    pub(crate) tp_name: &'a str,
    pub(crate) basicsize: u64,
    /// Bytes of `PyObject`: what the structs of extensions begin with.
    pub(crate) head: u64,
    names: &'a Names,
}

impl CType<'_> {
    /// A field of the struct that owns an object: Python code reads it as an attribute.
    fn attribute(&self, offset: u64, name: &str) -> Field {
        self.field(offset, Step::Attribute(self.names.intern(name)))
    }

    /// A field of the struct that owns an object, out of the reach of Python code.
    fn interior(&self, offset: u64, name: &str) -> Field {
        self.field(offset, Step::Interior(self.names.intern(name)))
    }

    fn field(&self, offset: u64, step: Step) -> Field {
        Field {
            offset: self.head + offset,
            step,
            hold: Hold::Owned,
            guard: None,
        }
    }
}

/// What a decoder says of a type that it takes.
struct Taken<D> {
    decoder: D,
    /// The object pointers at fixed places of its struct.
    fields: Vec<Field>,
    /// Offsets of words that are no object pointers, whatever stands in them.
    opaque: Vec<u64>,
    /// Whether the decoder finds all references: nothing else looks for more.
    is_complete: bool,
}

impl<D> Taken<D> {
    /// A type of which the decoder tells everything.
    fn all(decoder: D, fields: Vec<Field>) -> Option<Self> {
        Some(Self {
            decoder,
            fields,
            opaque: Vec::new(),
            is_complete: true,
        })
    }

    /// A type whose other references are found as those of any type are.
    fn more(decoder: D, fields: Vec<Field>) -> Option<Self> {
        Some(Self {
            decoder,
            fields,
            opaque: Vec::new(),
            is_complete: false,
        })
    }

    /// A type of which nothing is known but that some of its words are no object pointers.
    fn opaque(decoder: D, opaque: Vec<u64>) -> Option<Self> {
        Some(Self {
            decoder,
            fields: Vec::new(),
            opaque,
            is_complete: false,
        })
    }
}

/// Memory that several objects use and none of them owns alone: a buffer behind a counted
/// pointer. It counts once, for the first object in the order of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SharedBlock {
    /// Where it is; two objects that use the same have the same address here.
    pub(crate) address: RemoteAddress,
    pub(crate) bytes: u64,
}

/// How the instances of one type of an extension are read.
trait Decode: Copy {
    /// Whether a type of this name may be this decoder's.
    fn is_for(tp_name: &str) -> bool;

    /// Takes a type of such a name, or `None` when it is laid out in no way that is known.
    /// It is asked once per type.
    fn take<M: Memory>(
        reader: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault>;

    /// Hands over the references that are not in fixed fields.
    fn references<M: Memory>(
        self,
        _reader: &mut Reader<'_, M>,
        _object: RemoteAddress,
        _sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        Ok(())
    }

    /// Corrects the sizes of an object, which come as `object.__sizeof__` has them: what the
    /// type's own `__sizeof__` adds, and memory that the object alone holds.
    fn measure<M: Memory>(
        self,
        _reader: &mut Reader<'_, M>,
        _object: RemoteAddress,
        _info: &TypeInfo,
        _parts: &mut Parts,
    ) -> Result<(), Fault> {
        Ok(())
    }

    /// Hands over memory that the object may share with others.
    fn shared<M: Memory>(
        self,
        _reader: &mut Reader<'_, M>,
        _object: RemoteAddress,
        _each: &mut dyn FnMut(SharedBlock),
    ) -> Result<(), Fault> {
        Ok(())
    }
}

macro_rules! decoders {
    ($($variant:ident: $decoder:path,)*) => {
        /// The decoder of a type.
        #[derive(Debug, Clone, Copy)]
        pub(crate) enum Extension {
            $($variant($decoder),)*
        }

        /// The decoder of a type in C, with what it says of it; `None` for types of the
        /// interpreter, and of extensions that need no decoder.
        fn find<M: Memory>(
            reader: &mut Reader<'_, M>,
            tp: &CType<'_>,
        ) -> Option<Result<Option<Taken<Extension>>, Fault>> {
            $(if <$decoder>::is_for(tp.tp_name) {
                let taken = <$decoder>::take(reader, tp);
                return Some(taken.map(|taken| taken.map(|taken| Taken {
                    decoder: Extension::$variant(taken.decoder),
                    fields: taken.fields,
                    opaque: taken.opaque,
                    is_complete: taken.is_complete,
                })));
            })*
            None
        }

        impl Extension {
            /// Hands over the references that are not in fixed fields.
            pub(crate) fn references<M: Memory>(
                self,
                reader: &mut Reader<'_, M>,
                object: RemoteAddress,
                sink: &mut impl Sink,
            ) -> Result<(), Fault> {
                match self {
                    $(Self::$variant(decoder) => decoder.references(reader, object, sink),)*
                }
            }

            /// Corrects the sizes of an object.
            pub(crate) fn measure<M: Memory>(
                self,
                reader: &mut Reader<'_, M>,
                object: RemoteAddress,
                info: &TypeInfo,
                parts: &mut Parts,
            ) -> Result<(), Fault> {
                match self {
                    $(Self::$variant(decoder) => decoder.measure(reader, object, info, parts),)*
                }
            }

            /// Hands over memory that the object may share with others.
            pub(crate) fn shared<M: Memory>(
                self,
                reader: &mut Reader<'_, M>,
                object: RemoteAddress,
                each: &mut dyn FnMut(SharedBlock),
            ) -> Result<(), Fault> {
                match self {
                    $(Self::$variant(decoder) => decoder.shared(reader, object, each),)*
                }
            }
        }
    };
}

decoders! {
    Arrow: arrow::Arrow,
    Capsule: capsule::Capsule,
    Cffi: cffi::Cffi,
    CythonFunction: cython_function::CythonFunction,
    Greenlet: greenlet::Greenlet,
    NumpyArray: numpy_array::Array,
    NumpyString: numpy_string::StringDtype,
    NumpyDtype: numpy_dtype::Dtype,
    NumpyDtypeMeta: numpy_dtype_meta::DtypeMeta,
    NumpyScalar: numpy_scalar::Scalar,
    NumpyUfunc: numpy_ufunc::Ufunc,
    NumpyIterator: numpy_iterator::ArrayIterator,
    PandasTable: pandas_table::HashTable,
    PydanticUrl: pydantic_url::Url,
    Torch: torch::Torch,
    Upb: upb::Upb,
}

impl Extension {
    /// Whether `tp_is_gc` denies some instances to the collector, so that it leaves them
    /// alone, although `tp_traverse` can tell what they hold: greenlets that are suspended.
    pub(crate) fn hides_from_gc(self) -> bool {
        matches!(self, Self::Greenlet(_))
    }
}

/// A type that a decoder has taken.
pub(crate) struct Found {
    pub(crate) extension: Extension,
    pub(crate) fields: Vec<Field>,
    /// Offsets of words that are no object pointers.
    pub(crate) opaque: Vec<u64>,
    /// Whether the decoder finds all references of the instances.
    pub(crate) is_complete: bool,
}

/// The decoder for the instances of a type in C; `None` when there is none, or the type is
/// not laid out as the decoder knows it, which counts as a diagnostic.
pub(crate) fn of_c_type<M: Memory>(
    reader: &mut Reader<'_, M>,
    names: &Names,
    address: RemoteAddress,
    tp_name: &str,
    basicsize: u64,
) -> Option<Found> {
    let tp = CType {
        tp_name,
        basicsize,
        head: reader.layout.structs.py_object.size,
        names,
    };
    match find(reader, &tp)? {
        Ok(Some(taken)) => Some(Found {
            extension: taken.decoder,
            fields: taken.fields,
            opaque: taken.opaque,
            is_complete: taken.is_complete,
        }),
        Ok(None) | Err(_) => {
            reader.diagnostics.count(Trouble::UnknownExtension, address);
            None
        }
    }
}
