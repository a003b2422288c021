//! What a later build of a series has otherwise: types whose struct has another size, and the
//! interpreter's own state.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::builds::Build;
use super::dwarf::Image;
use super::pointers::ObjectPointer;
use super::roots;
use super::structs::{self, Offsets};
use super::table::Table;
use super::types::{ResolvedType, Source};
use super::wanted_types::Wanted;

/// What goes into a table besides what its own build has.
pub(super) struct Variant {
    pub(super) source: String,
    pub(super) structs: Vec<(&'static str, Offsets)>,
    pub(super) types: BTreeMap<String, ResolvedType>,
    pub(super) modules: BTreeMap<String, ResolvedType>,
    /// Where the state is another: its roots. Empty otherwise.
    pub(super) roots: Vec<(&'static str, Vec<ObjectPointer>)>,
}

/// The structs of the interpreter's state, which a build embeds in the first of them.
const STATE: [&str; 4] = [
    "_PyRuntimeState",
    "PyInterpreterState",
    "_PyThreadStateImpl",
    "PyThreadState",
];

impl Table {
    /// Adds what another build of the series has otherwise, and no variant has so far.
    pub(super) fn vary(
        &mut self,
        build: &Build,
        image: &Image,
        wanted: &Wanted,
        roots: &roots::Wanted,
    ) -> Result<()> {
        let source = Source {
            image,
            series: build.series(),
        };
        let mut types = wanted.types(&source)?;
        let mut modules = wanted.modules(&source)?;
        let known = self.variants.iter();
        retain_new(&self.types, known.clone().map(|one| &one.types), &mut types)?;
        retain_new(&self.modules, known.map(|one| &one.modules), &mut modules)?;
        let mut structs = structs::structs(image)?;
        let size = |structs: &[(&str, Offsets)]| {
            let state = structs.iter().find(|(name, _)| *name == STATE[0]);
            state.and_then(|(_, offsets)| offsets.first().map(|&(_, size)| size))
        };
        let other_state = size(&structs) != size(&self.structs);
        structs.retain(|(name, _)| {
            types.values().any(|one| one.struct_name == *name)
                || other_state && STATE.contains(name)
        });
        let roots = if other_state {
            roots.resolve(image)?
        } else {
            Vec::new()
        };
        self.variants.push(Variant {
            source: build.source(),
            structs,
            types,
            modules,
            roots,
        });
        Ok(())
    }
}

/// Leaves those types whose size tells that they are not those of the table or a variant.
fn retain_new<'a>(
    own: &'a BTreeMap<String, ResolvedType>,
    variants: impl Iterator<Item = &'a BTreeMap<String, ResolvedType>>,
    types: &mut BTreeMap<String, ResolvedType>,
) -> Result<()> {
    // A type that the table's own build lacks can't be a variant of it.
    types.retain(|name, _| own.contains_key(name));
    for known in std::iter::once(own).chain(variants) {
        for (name, known) in known {
            let Some(found) = types.get(name).filter(|found| found.size == known.size) else {
                continue;
            };
            if found.references != known.references {
                bail!("{name} differs between builds of the same size: they can't be told apart");
            }
            types.remove(name);
        }
    }
    Ok(())
}
