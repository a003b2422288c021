/// What a condition can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Each is explained by `Field::meaning`, which users read.
pub enum Field {
    Kind,
    Type,
    Module,
    Owner,
    Value,
    Size,
    Allocated,
    Retained,
    Refcount,
    Referrers,
    Referents,
    Length,
    Address,
    Interpreter,
    Generation,
    Tracked,
    Immortal,
    Static,
    Native,
    Conservative,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldForm {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// A number of bytes, which may be written with a unit.
    Bytes,
    /// Text or a number.
    Value,
    /// True or false.
    Flag,
}

impl Field {
    /// All fields, in the order in which they are explained.
    pub const ALL: [Self; 20] = [
        Self::Kind,
        Self::Type,
        Self::Module,
        Self::Owner,
        Self::Value,
        Self::Size,
        Self::Allocated,
        Self::Retained,
        Self::Refcount,
        Self::Referrers,
        Self::Referents,
        Self::Length,
        Self::Address,
        Self::Interpreter,
        Self::Generation,
        Self::Tracked,
        Self::Immortal,
        Self::Static,
        Self::Native,
        Self::Conservative,
    ];

    /// How it is written.
    pub fn name(self) -> &'static str {
        self.described().0
    }

    /// What it holds.
    pub fn form(self) -> FieldForm {
        self.described().1
    }

    /// What it means, in a few words.
    pub fn meaning(self) -> &'static str {
        self.described().2
    }

    /// The field of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    fn described(self) -> (&'static str, FieldForm, &'static str) {
        use FieldForm::{Bytes, Flag, Number, Text, Value};
        match self {
            Self::Kind => (
                "kind",
                Text,
                "the name in the table: 'str', 'dict of shop.Item'",
            ),
            Self::Type => ("type", Text, "the class alone: 'dict', 'shop.Item'"),
            Self::Module => (
                "module",
                Text,
                "the module of the class; of a __dict__, that of its owner's class",
            ),
            Self::Owner => ("owner", Text, "of a __dict__, the class of its owner"),
            Self::Value => (
                "value",
                Value,
                "text of str, bytes and bytearray; number of int, float and bool",
            ),
            Self::Size => ("size", Bytes, "bytes, as sys.getsizeof counts them"),
            Self::Allocated => ("allocated", Bytes, "bytes that the allocator holds for it"),
            Self::Retained => ("retained", Bytes, "bytes that would be freed if it went"),
            Self::Refcount => ("refcount", Number, "reference count; unknown if immortal"),
            Self::Referrers => (
                "referrers",
                Number,
                "strong references to it from live objects",
            ),
            Self::Referents => (
                "referents",
                Number,
                "references that it holds, weak ones too",
            ),
            Self::Length => (
                "length",
                Number,
                "items of a list, tuple, set, dict or deque, or of a subclass",
            ),
            Self::Address => ("address", Number, "where it lies: 0x7f3a5c0d1e40"),
            Self::Interpreter => ("interpreter", Number, "number of its interpreter"),
            Self::Generation => (
                "generation",
                Number,
                "collector's generation, from 0; unknown if untracked",
            ),
            Self::Tracked => ("tracked", Flag, "the collector tracks it"),
            Self::Immortal => ("immortal", Flag, "its references are not counted"),
            Self::Static => ("static", Flag, "it lies in a program or library"),
            Self::Native => ("native", Flag, "only native code keeps it alive"),
            Self::Conservative => ("conservative", Flag, "its references were found by a scan"),
        }
    }
}
