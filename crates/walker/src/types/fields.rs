//! The object pointers at fixed places of a type's instances.

use crate::names::Names;
use crate::sink::{Hold, Step};
use exuvia_cpython::{Access, Layout, Strength};

/// An object pointer at a fixed place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    /// Bytes from the start of the object.
    pub(crate) offset: u64,
    pub(crate) step: Step,
    pub(crate) hold: Hold,
}

/// The fields of a type in C, as its table lists them; `None` when no table does.
pub(super) fn of_c_type(layout: &Layout, names: &Names, tp_name: &str) -> Option<Vec<Field>> {
    let table = layout.types.get(tp_name)?;
    let fields = table.references.iter().map(|reference| Field {
        offset: reference.offset,
        step: match reference.access {
            Access::Attribute if reference.name == "__dict__" => Step::InstanceDict,
            Access::Attribute => Step::Attribute(names.intern(&reference.name)),
            Access::Interior => Step::Interior(names.intern(&reference.name)),
        },
        hold: match reference.strength {
            Strength::Owned | Strength::OwnedNotTraversed => Hold::Owned,
            Strength::Borrowed => Hold::Borrowed,
        },
    });
    Some(fields.collect())
}
