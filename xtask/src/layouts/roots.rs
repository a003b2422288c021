//! `layouts/roots.toml`: which object pointers of the runtime's own state are roots.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::dwarf::Image;
use super::pointers::ObjectPointer;

/// The states that hold roots.
pub(super) const STATES: [(&str, &str); 3] = [
    ("runtime", "_PyRuntimeState"),
    ("interpreter", "PyInterpreterState"),
    ("thread", "_PyThreadStateImpl | PyThreadState"),
];

/// What is hand-written about roots.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// By state: paths that are left out, with everything in them, and the reason.
    ignored: BTreeMap<String, BTreeMap<String, String>>,
    /// By state: object pointers whose C type does not say so; `a[].b` is the field `b` of
    /// each element of an array.
    extra: BTreeMap<String, Vec<String>>,
    /// Paths that are printed under another name.
    names: BTreeMap<String, String>,
}

impl Wanted {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }

    /// The roots of each state, in the order of [`STATES`].
    pub(super) fn resolve(&self, image: &Image) -> Result<Vec<(&'static str, Vec<ObjectPointer>)>> {
        let mut states = Vec::new();
        for (state, names) in STATES {
            let record = image
                .record(names)?
                .with_context(|| format!("no struct {names}"))?;
            let ignored = self.ignored.get(state);
            let mut skip = |path: &str| ignored.is_some_and(|paths| paths.contains_key(path));
            let mut pointers = image.object_pointers(record, &mut skip);
            for path in self.extra.get(state).into_iter().flatten() {
                pointers.extend(image.elements(record, path));
            }
            pointers.sort_by_key(|pointer| pointer.offset);
            pointers.dedup_by_key(|pointer| pointer.offset);
            for pointer in &mut pointers {
                pointer.path = self.name(&pointer.path);
            }
            states.push((state, pointers));
        }
        Ok(states)
    }

    /// heapy names most roots by the last part of their path.
    fn name(&self, path: &str) -> String {
        let path = path.strip_prefix("base.").unwrap_or(path);
        match self.names.get(path) {
            Some(name) => name.clone(),
            None => path.replace('.', "_"),
        }
    }

    /// An error if a path stands in the file that no build has.
    pub(super) fn check_all_used(&self, images: &[&Image]) -> Result<()> {
        for (state, names) in STATES {
            for path in self.ignored.get(state).into_iter().flat_map(BTreeMap::keys) {
                let mut used = false;
                for image in images {
                    let record = image.record(names)?;
                    used |= record.is_some_and(|record| image.field(record, path).is_some());
                }
                if !used {
                    bail!("roots.toml: no build has {path} in its {state} state");
                }
            }
        }
        Ok(())
    }
}
