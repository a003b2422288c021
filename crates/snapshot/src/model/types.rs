use crate::{ObjectId, TypeId};
use serde::{Deserialize, Serialize};

/// A Python type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Type {
    /// Where its `PyTypeObject` lies.
    pub address: u64,
    /// Its row as an object; none for a type that is not an object of the snapshot.
    pub object: Option<ObjectId>,
    /// `__module__`, such as `collections` or `builtins`.
    pub module: String,
    /// `__name__`, such as `OrderedDict`.
    pub name: String,
    /// `tp_name` as C code wrote it: `collections.deque`; the bare name for heap types.
    pub tp_name: String,
    /// `tp_basicsize`.
    pub basicsize: u64,
    /// `tp_itemsize`.
    pub itemsize: u64,
    /// What else is known of it.
    pub flags: TypeFlags,
    /// `tp_base`, when it is in this table.
    pub base: Option<TypeId>,
}

/// Facts about a type, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypeFlags(pub u8);

impl TypeFlags {
    /// Made at run time: a `class` statement or `PyType_FromSpec`.
    pub const HEAP: Self = Self(1);
    /// Its instances take part in garbage collection.
    pub const HAVE_GC: Self = Self(1 << 1);
    /// No decoder and no table describes it: its references come from scanning words.
    pub const UNKNOWN: Self = Self(1 << 2);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One of heapy's kinds, the rows of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// heapy's name of it: `int`, `types.CodeType`, `dict of module`.
    pub name: String,
    /// The type of its objects.
    pub type_id: TypeId,
    /// Which objects of that type.
    pub shape: KindShape,
}

/// Which objects of a type a kind holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KindShape {
    /// All of them.
    Plain,
    /// Dictionaries that are the `__dict__` of an instance of this type.
    DictOf(TypeId),
    /// Dictionaries that are nobody's `__dict__`.
    DictWithoutOwner,
}
