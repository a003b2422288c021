use serde::Deserialize;

/// The object pointers that every instance of a type, or the state of a module, holds at
/// fixed places.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeLayout {
    /// The C struct of its instances.
    #[serde(rename = "struct")]
    pub struct_name: String,
    /// `sizeof` that struct, in bytes. `tp_basicsize` of the type can be less by one item
    /// where the struct ends in an array of items.
    pub size: u64,
    /// Its object pointers, those of the struct that it extends included, by offset.
    pub references: Vec<FieldReference>,
}

/// A field of a C struct that points to an object, or to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "StoredReference")]
pub struct FieldReference {
    /// The attribute of Python, or the field of C, without a dot or an arrow.
    pub name: String,
    /// Whether Python code can read it under that name.
    pub access: Access,
    /// Where it lies, in bytes from the start of the object.
    pub offset: u64,
    /// Whether it keeps its target alive.
    pub strength: Strength,
    /// Where a byte lies that says, when it is 0, that this object lacks the field: it was
    /// allocated without it. `hastzinfo` of times.
    pub guard: Option<u64>,
}

/// Who can read a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Python code, as an attribute: `.name`.
    Attribute,
    /// Only C code: `->name`.
    Interior,
}

/// What a pointer to an object means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// It counts in `ob_refcnt`, and `tp_traverse` visits it.
    Owned,
    /// It does not count: the target is kept alive by something else, or may go away.
    Borrowed,
    /// It counts, but `tp_traverse` does not visit it, so `gc.get_referents` does not show it.
    OwnedNotTraversed,
}

/// As the tables write it: `[".name", 16]`, `["->name", 16, "borrowed"]`, or with the
/// place of the guard `[".name", 16, "owned", 20]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredReference {
    Owned(String, u64),
    Other(String, u64, Strength),
    Guarded(String, u64, Strength, u64),
}

/// A reference in a table that is neither `.name` nor `->name`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is neither '.attribute' nor '->field'")]
pub struct InvalidReference(String);

impl TryFrom<StoredReference> for FieldReference {
    type Error = InvalidReference;

    fn try_from(stored: StoredReference) -> Result<Self, InvalidReference> {
        let (text, offset, strength, guard) = match stored {
            StoredReference::Owned(text, offset) => (text, offset, Strength::Owned, None),
            StoredReference::Other(text, offset, strength) => (text, offset, strength, None),
            StoredReference::Guarded(text, offset, strength, guard) => {
                (text, offset, strength, Some(guard))
            }
        };
        let (access, name) = if let Some(name) = text.strip_prefix("->") {
            (Access::Interior, name)
        } else if let Some(name) = text.strip_prefix('.') {
            (Access::Attribute, name)
        } else {
            return Err(InvalidReference(text));
        };
        Ok(Self {
            name: name.to_owned(),
            access,
            offset,
            strength,
            guard,
        })
    }
}

/// Object pointers that belong to no object: `(name, offset)`, by offset, in bytes from
/// the start of the state that holds them. Pointers that borrow are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roots {
    /// Of `_PyRuntime`.
    pub runtime: Vec<(String, u64)>,
    /// Of each `PyInterpreterState`.
    pub interpreter: Vec<(String, u64)>,
    /// Of each `PyThreadState`.
    pub thread: Vec<(String, u64)>,
}
