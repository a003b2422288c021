//! The types of the target: what each says of its instances.

mod family;
mod fields;
mod load;
mod name;
mod table;

pub(crate) use family::Family;
pub(crate) use fields::{Field, of_module_state};
pub(crate) use table::TypeTable;

use crate::decode::extension::Extension;
use exuvia_cpython::type_flags;
use exuvia_memory::RemoteAddress;
use std::ops::Range;

/// Where instances keep their attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DictPlacement {
    /// They have none, or only in slots.
    None,
    /// A dictionary pointer so many bytes after the object.
    At(u64),
    /// A dictionary pointer so many bytes before the end of the object, whose length varies.
    FromEnd(u64),
    /// Before the object, in the interpreter's care (`Py_TPFLAGS_MANAGED_DICT`).
    Managed,
}

/// The functions of a type that no table describes, by which it says itself what its
/// instances refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NativeType {
    /// `tp_traverse`.
    pub(crate) traverse: RemoteAddress,
    /// `tp_is_gc`, or null.
    pub(crate) is_gc: RemoteAddress,
}

/// What a type says of its instances.
#[derive(Debug, Clone)]
pub(crate) struct TypeInfo {
    pub(crate) address: RemoteAddress,
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) tp_name: String,
    pub(crate) base: RemoteAddress,
    pub(crate) basicsize: u64,
    pub(crate) itemsize: u64,
    pub(crate) flags: u64,
    /// How instances keep what varies in size or shape.
    pub(crate) family: Family,
    /// Whether a base in C is in no table: what the fields leave out is found by scanning
    /// the object's words.
    pub(crate) scan: bool,
    /// `tp_traverse` and `tp_is_gc`, where a base in C is in no table.
    pub(crate) native: Option<NativeType>,
    /// The bytes of instances that this `tp_traverse` does not know: they belong to a base in
    /// C that has none of its own.
    pub(crate) unseen: Range<u64>,
    /// Offsets of words that a decoder knows to be no object pointers.
    pub(crate) opaque: Vec<u64>,
    /// `tp_traverse`.
    pub(crate) traverse: RemoteAddress,
    /// `tp_getset` of each base in C that is in no table, the nearest first: getters may give
    /// names to what the fields leave out.
    pub(crate) getset: Vec<RemoteAddress>,
    /// The object pointers at fixed places, by offset.
    pub(crate) fields: Vec<Field>,
    /// How far the fields reach into the object.
    pub(crate) fields_end: usize,
    /// Whether some of them are not in every instance.
    pub(crate) has_guards: bool,
    pub(crate) dict: DictPlacement,
    /// `tp_weaklistoffset`.
    pub(crate) weaklistoffset: u64,
    /// The names of inline attributes: `str` objects, in the order of the values.
    pub(crate) inline_names: Vec<RemoteAddress>,
    /// Whether its instances are types of ctypes, which carry a `StgInfo` (3.13).
    pub(crate) is_ctypes: bool,
    /// Which variant of the layout describes its struct.
    pub(crate) variant: Option<usize>,
    /// The decoder of a type of an extension library, or of its base.
    pub(crate) extension: Option<Extension>,
}

impl TypeInfo {
    /// A built-in type that was not met in memory.
    pub(crate) fn unseen(tp_name: &str) -> Self {
        Self {
            address: RemoteAddress::NULL,
            module: "builtins".to_owned(),
            name: tp_name.to_owned(),
            tp_name: tp_name.to_owned(),
            base: RemoteAddress::NULL,
            basicsize: 0,
            itemsize: 0,
            flags: 0,
            family: Family::Plain,
            scan: false,
            native: None,
            unseen: 0..0,
            opaque: Vec::new(),
            traverse: RemoteAddress::NULL,
            getset: Vec::new(),
            fields: Vec::new(),
            fields_end: 0,
            has_guards: false,
            dict: DictPlacement::None,
            weaklistoffset: 0,
            inline_names: Vec::new(),
            is_ctypes: false,
            variant: None,
            extension: None,
        }
    }

    /// Whether it was made at run time, so that each instance owns a reference to it.
    pub(crate) fn is_heap_type(&self) -> bool {
        self.flags & type_flags::HEAPTYPE != 0
    }

    /// Whether its instances have the collector's header.
    pub(crate) fn has_gc(&self) -> bool {
        self.flags & type_flags::HAVE_GC != 0
    }
}
