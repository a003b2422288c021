//! What the generator of the tables is asked for, in the words of the macros that also
//! define the Rust structs: the list, the code and the tables can't disagree.

/// A C struct whose offsets are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StructSpec {
    /// Its name in the tables and in Rust.
    pub name: &'static str,
    /// Its names in DWARF, separated by `|`; the first that a build has is taken.
    pub dwarf: &'static str,
    /// Whether some builds don't have it.
    pub optional: bool,
    /// The fields that are wanted.
    pub fields: &'static [FieldSpec],
}

/// A field of a C struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    /// Its name in the tables and in Rust.
    pub name: &'static str,
    /// Its paths in DWARF, separated by `|`; the first that a build has is taken.
    ///
    /// `a.b` is a field of a field. `length of a` is the number of elements of an array;
    /// `bit of a.b` is the position of a bit field within `a`, and `width of a.b` its bits;
    /// `bit of b` is that within the struct itself. Both also serve for whole bytes.
    pub paths: &'static str,
    /// Whether some builds don't have it.
    pub optional: bool,
}

/// An enumerator, such as `FRAME_CLEARED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConstantSpec {
    /// Its name in C; the tables have it in upper case, Rust in lower case, both without an
    /// underscore before it.
    pub name: &'static str,
}

/// The offsets of one struct, or a whole table of them, as a table file holds them.
pub(crate) type Fields = std::collections::BTreeMap<String, u64>;
pub(crate) type Tables = std::collections::BTreeMap<String, Fields>;

/// A table that does not hold what the code wants, or holds more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A struct is missing.
    #[error("the table has no struct {0}")]
    MissingStruct(&'static str),
    /// A field is missing.
    #[error("the table has no field {1} in struct {0}")]
    MissingField(&'static str, &'static str),
    /// A struct that the code does not know.
    #[error("the table has a struct {0}, which is not in the list of structs")]
    UnknownStruct(String),
    /// A field that the code does not know.
    #[error("the table has a field {1} in struct {0}, which is not in the list of structs")]
    UnknownField(&'static str, String),
    /// A variant of a field that the series does not have.
    #[error("the table varies {name}.{field}, which it does not have")]
    NothingToVary {
        /// The struct.
        name: String,
        /// The field.
        field: String,
    },
}

/// Defines one struct of offsets.
macro_rules! offsets {
    ($name:ident { $($field:ident)* } { $($maybe:ident)* }) => {
        #[doc = concat!("Offsets of the fields of C's `", stringify!($name), "`, in bytes.")]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            /// `sizeof`, in bytes.
            pub size: u64,
            $(
                #[doc = concat!("Where `", stringify!($field), "` begins.")]
                pub $field: u64,
            )*
            $(
                #[doc = concat!("Where `", stringify!($maybe), "` begins, in builds that have it.")]
                pub $maybe: Option<u64>,
            )*
        }

        impl $name {
            fn from_fields(mut fields: $crate::spec::Fields) -> Result<Self, $crate::spec::TableError> {
                const NAME: &str = stringify!($name);
                let mut take = |field| {
                    fields.remove(field).ok_or($crate::spec::TableError::MissingField(NAME, field))
                };
                let offsets = Self {
                    size: take("size")?,
                    $($field: take(stringify!($field))?,)*
                    $($maybe: take(stringify!($maybe)).ok(),)*
                };
                match fields.pop_first() {
                    Some((field, _)) => Err($crate::spec::TableError::UnknownField(NAME, field)),
                    None => Ok(offsets),
                }
            }

            /// The value stored under a field's name, when this build has the field.
            pub fn get(&self, field: &str) -> Option<u64> {
                match field {
                    "size" => Some(self.size),
                    $(stringify!($field) => Some(self.$field),)*
                    $(stringify!($maybe) => self.$maybe,)*
                    _ => None,
                }
            }

            fn get_mut(&mut self, field: &str) -> Option<&mut u64> {
                match field {
                    "size" => Some(&mut self.size),
                    $(stringify!($field) => Some(&mut self.$field),)*
                    $(stringify!($maybe) => self.$maybe.as_mut(),)*
                    _ => None,
                }
            }
        }
    };
}

/// The first literal if there is one, else the name itself.
macro_rules! literal_or_name {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $literal:literal) => {
        $literal
    };
}

macro_rules! struct_spec {
    ($optional:literal $name:ident $($dwarf:literal)?
        { $($field:ident $(= $path:literal)?)* } { $($maybe:ident $(= $maybe_path:literal)?)* }
    ) => {
        $crate::spec::StructSpec {
            name: stringify!($name),
            dwarf: $crate::spec::literal_or_name!($name $($dwarf)?),
            optional: $optional,
            fields: &[
                $($crate::spec::FieldSpec {
                    name: stringify!($field),
                    paths: $crate::spec::literal_or_name!($field $($path)?),
                    optional: false,
                },)*
                $($crate::spec::FieldSpec {
                    name: stringify!($maybe),
                    paths: $crate::spec::literal_or_name!($maybe $($maybe_path)?),
                    optional: true,
                },)*
            ],
        }
    };
}

/// Defines `Structs`, the struct of offsets of each C struct, and their list.
///
/// A struct is `field: Name = "DWARF names" { fields } ? { fields that not all
/// builds have }`.
macro_rules! structs {
    (
        always {$(
            $field:ident: $name:ident $(= $dwarf:literal)?
            { $($member:ident $(= $path:literal)?),* $(,)? }
            $(? { $($maybe:ident $(= $maybe_path:literal)?),* $(,)? })?
        )*}
        sometimes {$(
            $opt_field:ident: $opt_name:ident $(= $opt_dwarf:literal)?
            { $($opt_member:ident $(= $opt_path:literal)?),* $(,)? }
            $(? { $($opt_maybe:ident $(= $opt_maybe_path:literal)?),* $(,)? })?
        )*}
    ) => {
        $($crate::spec::offsets! { $name { $($member)* } { $($($maybe)*)? } })*
        $($crate::spec::offsets! { $opt_name { $($opt_member)* } { $($($opt_maybe)*)? } })*

        /// The C structs that the walker reads: offsets of their fields.
        #[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
        #[serde(try_from = "crate::spec::Tables")]
        pub struct Structs {
            $(
                #[doc = concat!("C's `", stringify!($name), "`.")]
                pub $field: $name,
            )*
            $(
                #[doc = concat!("C's `", stringify!($opt_name), "`, in builds that have it.")]
                pub $opt_field: Option<$opt_name>,
            )*
        }

        impl TryFrom<$crate::spec::Tables> for Structs {
            type Error = $crate::spec::TableError;

            fn try_from(mut tables: $crate::spec::Tables) -> Result<Self, Self::Error> {
                let structs = Self {
                    $($field: match tables.remove(stringify!($name)) {
                        Some(fields) => $name::from_fields(fields)?,
                        None => return Err(Self::Error::MissingStruct(stringify!($name))),
                    },)*
                    $($opt_field: match tables.remove(stringify!($opt_name)) {
                        Some(fields) => Some($opt_name::from_fields(fields)?),
                        None => None,
                    },)*
                };
                match tables.pop_first() {
                    Some((name, _)) => Err(Self::Error::UnknownStruct(name)),
                    None => Ok(structs),
                }
            }
        }

        impl Structs {
            /// The offset of a field, by the names of the struct and the field.
            pub fn get(&self, name: &str, field: &str) -> Option<u64> {
                match name {
                    $(stringify!($name) => self.$field.get(field),)*
                    $(stringify!($opt_name) => self.$opt_field.as_ref()?.get(field),)*
                    _ => None,
                }
            }

            pub(crate) fn get_mut(&mut self, name: &str, field: &str) -> Option<&mut u64> {
                match name {
                    $(stringify!($name) => self.$field.get_mut(field),)*
                    $(stringify!($opt_name) => self.$opt_field.as_mut()?.get_mut(field),)*
                    _ => None,
                }
            }
        }

        /// Every C struct and field that the tables hold.
        pub const STRUCTS: &[$crate::spec::StructSpec] = &[
            $($crate::spec::struct_spec! {
                false $name $($dwarf)?
                { $($member $(= $path)?)* } { $($($maybe $(= $maybe_path)?)*)? }
            },)*
            $($crate::spec::struct_spec! {
                true $opt_name $($opt_dwarf)?
                { $($opt_member $(= $opt_path)?)* } { $($($opt_maybe $(= $opt_maybe_path)?)*)? }
            },)*
        ];
    };
}

pub(crate) use {literal_or_name, offsets, struct_spec, structs};
