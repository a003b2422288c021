//! `layouts/types.toml`: which struct each type has, and what its pointers mean.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::dwarf::{Image, Record};

/// What is hand-written about types.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Fields that are left out wherever a name ends so, and the reason.
    ignored: BTreeMap<String, String>,
    /// By C struct; several types may share one.
    structs: BTreeMap<String, Struct>,
    /// By the name in a module's definition: the struct of its state.
    modules: BTreeMap<String, Struct>,
}

/// Why a field is not an owned reference.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Reason {
    Always(String),
    /// In these series only.
    In { only: Vec<String>, reason: String },
}

impl Reason {
    fn holds_in(&self, series: &str) -> bool {
        match self {
            Self::Always(reason) => !reason.is_empty(),
            Self::In { only, reason } => {
                !reason.is_empty() && only.iter().any(|one| one == series)
            }
        }
    }
}

/// Fields of a struct, with what is to be known of each.
type Reasons = BTreeMap<String, Reason>;

/// What is hand-written about the types of one C struct.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Struct {
    /// `tp_name` of the types whose instances are this struct.
    #[serde(default)]
    types: Vec<String>,
    /// Its names in DWARF, when not that of the entry.
    dwarf: Option<String>,
    /// C fields that Python code can read, and under which name.
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// C fields that hold no counted reference, and why.
    #[serde(default)]
    borrowed: Reasons,
    /// C fields that hold a counted reference which `tp_traverse` does not visit, and why.
    #[serde(default)]
    not_traversed: Reasons,
    /// C fields that the walker's code reads, or that hold no object, and why.
    #[serde(default)]
    ignored: BTreeMap<String, String>,
    /// C fields that DWARF does not show to be objects: `void *`, and the like.
    #[serde(default)]
    extra: BTreeMap<String, String>,
    /// C fields that exist only where a byte, another C field, is not 0.
    #[serde(default)]
    guards: BTreeMap<String, String>,
}

/// A type as it goes into a table.
#[derive(Debug)]
pub(super) struct ResolvedType {
    pub(super) struct_name: String,
    pub(super) size: u64,
    pub(super) references: Vec<ResolvedReference>,
}

#[derive(Debug)]
pub(super) struct ResolvedReference {
    /// `.name` or `->name`.
    pub(super) text: String,
    pub(super) offset: u64,
    /// None for an owned reference.
    pub(super) strength: Option<&'static str>,
}

impl Wanted {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }

    /// The types that a build has, by `tp_name`.
    pub(super) fn resolve(&self, image: &Image) -> Result<BTreeMap<String, ResolvedType>> {
        let mut types = BTreeMap::new();
        for (name, wanted) in &self.structs {
            let Some(record) = image.record(wanted.dwarf(name))? else {
                continue;
            };
            for tp_name in &wanted.types {
                let resolved = ResolvedType {
                    struct_name: name.clone(),
                    size: record.size,
                    references: self.references(image, record, wanted),
                };
                if types.insert(tp_name.clone(), resolved).is_some() {
                    bail!("types.toml: two structs for {tp_name}");
                }
            }
        }
        Ok(types)
    }

    fn references(
        &self,
        image: &Image,
        record: &Record,
        wanted: &Struct,
    ) -> Vec<ResolvedReference> {
        let mut skip = |path: &str| {
            let last = path.rsplit('.').next().unwrap_or(path);
            self.ignored.contains_key(last) || wanted.ignored.contains_key(path)
        };
        let mut found: Vec<_> = image
            .object_pointers(record, &mut skip)
            .into_iter()
            .map(|pointer| (pointer.path, pointer.offset))
            .collect();
        for path in wanted.extra.keys() {
            let field = image.field(record, path);
            found.extend(field.map(|field| (path.clone(), field.offset)));
        }
        found.sort_by_key(|&(_, offset)| offset);
        found
            .into_iter()
            .map(|(path, offset)| wanted.reference(&path, offset))
            .collect()
    }

    /// An error if a struct or a field stands in the file that no build has.
    pub(super) fn check_all_used(&self, images: &[Image]) -> Result<()> {
        for (name, wanted) in &self.structs {
            let mut records = Vec::new();
            for image in images {
                records.extend(
                    image
                        .record(wanted.dwarf(name))?
                        .map(|record| (image, record)),
                );
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

impl Struct {
    fn dwarf<'a>(&'a self, name: &'a str) -> &'a str {
        self.dwarf.as_deref().unwrap_or(name)
    }

    /// Every field that the entry names.
    fn fields(&self) -> BTreeSet<&str> {
        [
            &self.attributes,
            &self.borrowed,
            &self.not_traversed,
            &self.ignored,
            &self.extra,
        ]
        .into_iter()
        .flat_map(|fields| fields.keys().map(String::as_str))
        .collect()
    }

    fn reference(&self, path: &str, offset: u64) -> ResolvedReference {
        let text = match self.attributes.get(path) {
            Some(attribute) => format!(".{attribute}"),
            None => format!("->{path}"),
        };
        let strength = if self.borrowed.contains_key(path) {
            Some("borrowed")
        } else if self.not_traversed.contains_key(path) {
            Some("owned_not_traversed")
        } else {
            None
        };
        ResolvedReference {
            text,
            offset,
            strength,
        }
    }
}
