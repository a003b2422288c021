//! The object pointers at fixed places of a type's instances.

use crate::names::Names;
use crate::sink::{Hold, Step};
use exuvia_cpython::{Access, Layout, Strength, TypeLayout};

/// An object pointer at a fixed place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    /// Bytes from the start of the object.
    pub(crate) offset: u64,
    pub(crate) step: Step,
    pub(crate) hold: Hold,
    /// Where a byte lies that is 0 when this object was allocated without the field.
    pub(crate) guard: Option<u64>,
}

/// The fields of a type in C, as its table lists them, and which variant of the layout that
/// is; `None` when no table does.
pub(super) fn of_c_type(
    layout: &Layout,
    names: &Names,
    tp_name: &str,
    (basicsize, itemsize): (u64, u64),
) -> Option<(Vec<Field>, Option<usize>)> {
    let (table, variant) = layout.type_of_size(tp_name, basicsize, itemsize > 0)?;
    Some((of_table(table, names), variant))
}

/// The fields of a module's state, by the name in the module's definition; `None` when no
/// table describes a state of that size.
pub(crate) fn of_module_state(
    layout: &Layout,
    names: &Names,
    m_name: &str,
    m_size: u64,
) -> Option<Vec<Field>> {
    Some(of_table(layout.module_of_size(m_name, m_size)?, names))
}

fn of_table(table: &TypeLayout, names: &Names) -> Vec<Field> {
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
        guard: reference.guard,
    });
    fields.collect()
}
