//! Joining `layouts/types.toml` with the structs of a build.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use super::dwarf::{Image, Record};
use super::wanted_types::{Struct, Wanted};

/// A type, or the state of a module, as it goes into a table.
#[derive(Debug, PartialEq)]
pub(super) struct ResolvedType {
    pub(super) struct_name: String,
    pub(super) size: u64,
    pub(super) references: Vec<ResolvedReference>,
}

#[derive(Debug, PartialEq)]
pub(super) struct ResolvedReference {
    /// `.name` or `->name`.
    pub(super) text: String,
    pub(super) offset: u64,
    pub(super) strength: &'static str,
    /// The byte that must not be 0.
    pub(super) guard: Option<u64>,
}

/// A build, and the name of its series: `3.12`.
pub(super) struct Source<'a> {
    pub(super) image: &'a Image,
    pub(super) series: String,
}

impl Wanted {
    /// The types that a build has, by `tp_name`.
    pub(super) fn types(&self, source: &Source<'_>) -> Result<BTreeMap<String, ResolvedType>> {
        let mut types = BTreeMap::new();
        for (name, wanted) in &self.structs {
            for tp_name in &wanted.types {
                let Some(resolved) = self.resolve(source, name, wanted)? else {
                    break;
                };
                if types.insert(tp_name.clone(), resolved).is_some() {
                    bail!("types.toml: two structs for {tp_name}");
                }
            }
        }
        Ok(types)
    }

    /// The states of modules that a build has and that hold objects, by `m_name`.
    pub(super) fn modules(&self, source: &Source<'_>) -> Result<BTreeMap<String, ResolvedType>> {
        let mut modules = BTreeMap::new();
        for (name, wanted) in &self.modules {
            let resolved = self.resolve(source, name, wanted)?;
            if let Some(resolved) = resolved.filter(|state| !state.references.is_empty()) {
                modules.insert(name.clone(), resolved);
            }
        }
        Ok(modules)
    }

    fn resolve(
        &self,
        source: &Source<'_>,
        name: &str,
        wanted: &Struct,
    ) -> Result<Option<ResolvedType>> {
        let Some(record) = source.image.record(wanted.dwarf(name))? else {
            return Ok(None);
        };
        let mut skip = |path: &str| {
            let ignored = wanted.ignored.get(path);
            self.ignored.keys().any(|ending| path.ends_with(ending))
                || ignored.is_some_and(|reason| reason.holds_in(&source.series))
        };
        let mut references = Vec::new();
        for pointer in source.image.object_pointers(record, &mut skip) {
            references.push(ResolvedReference {
                text: text(wanted, &pointer.path),
                offset: pointer.offset,
                strength: strength(wanted, &pointer.path, &source.series),
                guard: guard(source.image, record, wanted, &pointer.path)?,
            });
        }
        Ok(Some(ResolvedType {
            struct_name: struct_name(name, wanted),
            size: record.size,
            references,
        }))
    }

    /// An error if a struct or a field stands in the file that no build has.
    pub(super) fn check_all_used(&self, images: &[&Image]) -> Result<()> {
        for (name, wanted) in self.structs.iter().chain(&self.modules) {
            let mut records = Vec::new();
            for image in images.iter().copied() {
                let record = image.record(wanted.dwarf(name))?;
                records.extend(record.map(|record| (image, record)));
            }
            if records.is_empty() {
                bail!("types.toml: no build has struct {}", wanted.dwarf(name));
            }
            for field in wanted.fields() {
                let found =
                    |(image, record): &(&Image, &Record)| image.field(record, field).is_some();
                if !records.iter().any(found) {
                    bail!("types.toml: no build has field {field} in {name}");
                }
            }
        }
        Ok(())
    }
}

/// The entry's own name, or for a module's state the first of its struct's.
fn struct_name(name: &str, wanted: &Struct) -> String {
    let name = if wanted.types.is_empty() {
        wanted.dwarf(name)
    } else {
        name
    };
    let end = name.find(['|', '@']).unwrap_or(name.len());
    name[..end].trim().to_owned()
}

fn text(wanted: &Struct, path: &str) -> String {
    match wanted.attributes.get(path) {
        Some(attribute) => format!(".{attribute}"),
        None => format!("->{path}"),
    }
}

fn strength(wanted: &Struct, path: &str, series: &str) -> &'static str {
    let holds = |reasons: &BTreeMap<_, super::wanted_types::Reason>| {
        // What is said of an array holds for each of its elements.
        let array = path.split('[').next().unwrap_or(path);
        let reason = reasons.get(path).or_else(|| reasons.get(array));
        reason.is_some_and(|reason| reason.holds_in(series))
    };
    if holds(&wanted.borrowed) {
        "borrowed"
    } else if holds(&wanted.not_traversed) {
        "owned_not_traversed"
    } else {
        "owned"
    }
}

fn guard(image: &Image, record: &Record, wanted: &Struct, path: &str) -> Result<Option<u64>> {
    let Some(guard) = wanted.guards.get(path) else {
        return Ok(None);
    };
    let field = image.field(record, guard);
    let field = field.with_context(|| format!("types.toml: no field {guard} guards {path}"))?;
    Ok(Some(field.offset))
}
