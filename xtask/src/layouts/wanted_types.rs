//! `layouts/types.toml` as it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What is hand-written about types.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Fields that are left out wherever a name ends so, and the reason.
    pub(super) ignored: BTreeMap<String, String>,
    /// By C struct; several types may share one.
    pub(super) structs: BTreeMap<String, Struct>,
    /// By the name in a module's definition: the struct of its state.
    pub(super) modules: BTreeMap<String, Struct>,
}

/// What is hand-written about the types of one C struct.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Struct {
    /// `tp_name` of the types whose instances are this struct.
    #[serde(default)]
    pub(super) types: Vec<String>,
    /// Its names in DWARF, when not that of the entry.
    dwarf: Option<String>,
    /// C fields that Python code can read, and under which name.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    /// C fields that hold no counted reference.
    #[serde(default)]
    pub(super) borrowed: BTreeMap<String, Reason>,
    /// C fields that hold a counted reference which `tp_traverse` does not visit.
    #[serde(default)]
    pub(super) not_traversed: BTreeMap<String, Reason>,
    /// C fields that the walker's code reads, or that hold no object.
    #[serde(default)]
    pub(super) ignored: BTreeMap<String, Reason>,
    /// C fields that exist only where a byte, another C field, is not 0.
    #[serde(default)]
    pub(super) guards: BTreeMap<String, String>,
}

/// Why a field is not an ordinary owned reference.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Reason {
    /// In every version.
    Always(String),
    /// In these series only.
    In { only: Vec<String>, reason: String },
}

impl Reason {
    /// Whether it holds in a series; one without words holds nowhere.
    pub(super) fn holds_in(&self, series: &str) -> bool {
        match self {
            Self::Always(reason) => !reason.is_empty(),
            Self::In { only, reason } => !reason.is_empty() && only.iter().any(|one| one == series),
        }
    }
}

impl Wanted {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }
}

impl Struct {
    /// Its names in DWARF; `name` is that of its entry.
    pub(super) fn dwarf<'a>(&'a self, name: &'a str) -> &'a str {
        self.dwarf.as_deref().unwrap_or(name)
    }

    /// Every field that the entry names.
    pub(super) fn fields(&self) -> BTreeSet<&str> {
        let reasons = [&self.borrowed, &self.not_traversed, &self.ignored];
        let texts = [&self.attributes, &self.guards];
        reasons
            .into_iter()
            .flat_map(BTreeMap::keys)
            .chain(texts.into_iter().flat_map(BTreeMap::keys))
            .map(String::as_str)
            .collect()
    }
}
