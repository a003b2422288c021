//! Types whose C struct has changed within a series.
//!
//! A bug-fix release, or a distribution's patch, may add a field to the struct of a type in C.
//! The version does not tell, since distributions take over single fixes; `tp_basicsize` does,
//! and `m_size` for the state of a module. Of the interpreter's own state the size is among
//! the offsets that the interpreter publishes.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::spec::{TableError, Tables};
use crate::{Layout, Roots, Structs, TypeLayout};

/// What another build of the series has otherwise, as a table file holds it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredVariant {
    /// What it was made from.
    source: String,
    #[serde(default)]
    structs: Tables,
    #[serde(default)]
    types: BTreeMap<String, TypeLayout>,
    #[serde(default)]
    modules: BTreeMap<String, TypeLayout>,
    roots: Option<Roots>,
}

/// What another build of the series has otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// What it was made from.
    pub source: String,
    /// All structs, those included that are the same.
    structs: Structs,
    types: BTreeMap<String, TypeLayout>,
    modules: BTreeMap<String, TypeLayout>,
    /// The roots, where the interpreter's state is another.
    roots: Option<Roots>,
}

impl Layout {
    /// Takes the interpreter's state from the variant whose runtime has this size, if there is
    /// one. What the target published of it comes on top again.
    pub(crate) fn take_state_of_size(&mut self, runtime_size: u64) -> bool {
        let fits = |variant: &&Variant| {
            variant.roots.is_some() && variant.structs.py_runtime_state.size == runtime_size
        };
        let Some(variant) = self.variants.iter().find(fits) else {
            return false;
        };
        let (from, to) = (&variant.structs, &mut self.structs);
        to.py_runtime_state = from.py_runtime_state.clone();
        to.py_interpreter_state = from.py_interpreter_state.clone();
        to.py_thread_state = from.py_thread_state.clone();
        to.py_thread_state_impl
            .clone_from(&from.py_thread_state_impl);
        if let Some(roots) = &variant.roots {
            self.roots = roots.clone();
        }
        true
    }

    /// The table of a type with instances of this size, and which variant it is from: none for
    /// the layout itself. No table fits a size that none has, unless instances end in items,
    /// of which the struct may have one.
    pub fn type_of_size(
        &self,
        tp_name: &str,
        size: u64,
        has_items: bool,
    ) -> Option<(&TypeLayout, Option<usize>)> {
        let own = self.types.get(tp_name)?;
        if own.size == size || has_items {
            return Some((own, None));
        }
        let mut variants = self.variants.iter().enumerate();
        variants.find_map(|(index, variant)| {
            let table = variant.types.get(tp_name)?;
            (table.size == size).then_some((table, Some(index)))
        })
    }

    /// The table of a module's state of this size, by the name in the module's definition.
    pub fn module_of_size(&self, m_name: &str, size: u64) -> Option<&TypeLayout> {
        let variants = self.variants.iter().map(|variant| &variant.modules);
        std::iter::once(&self.modules)
            .chain(variants)
            .filter_map(|modules| modules.get(m_name))
            .find(|table| table.size == size)
    }

    /// The structs of a type that [`type_of_size`](Self::type_of_size) has found.
    pub fn structs_of(&self, variant: Option<usize>) -> &Structs {
        let variant = variant.and_then(|index| self.variants.get(index));
        variant.map_or(&self.structs, |variant| &variant.structs)
    }

    /// Completes the variants that were read from a file.
    pub(crate) fn resolve_variants(&mut self) -> Result<(), TableError> {
        for stored in std::mem::take(&mut self.stored_variants) {
            let mut structs = self.structs.clone();
            for (name, fields) in &stored.structs {
                for (field, offset) in fields {
                    let place = structs.get_mut(name, field);
                    let place = place.ok_or_else(|| TableError::NothingToVary {
                        name: name.clone(),
                        field: field.clone(),
                    })?;
                    *place = *offset;
                }
            }
            self.variants.push(Variant {
                source: stored.source,
                structs,
                types: stored.types,
                modules: stored.modules,
                roots: stored.roots,
            });
        }
        Ok(())
    }
}
