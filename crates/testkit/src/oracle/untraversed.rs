use exuvia_snapshot::{ObjectId, Snapshot, Type};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The fields of C structs that hold a reference which `tp_traverse` does not visit, with the
/// reason, as `layouts/types.toml` lists them.
#[derive(Debug, Default)]
pub(super) struct Untraversed {
    /// By `tp_name` and by the relation as groups print it.
    reasons: HashMap<(String, String), String>,
}

/// Why the list can't be read.
#[derive(Debug, thiserror::Error)]
pub enum UntraversedError {
    /// There is no such file, or it can't be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what it is expected to be.
    #[error("{}: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<toml::de::Error>,
    },
}

#[derive(Deserialize)]
struct Tables {
    structs: BTreeMap<String, Struct>,
    /// The states of modules in C, which `module` objects own.
    modules: BTreeMap<String, Struct>,
}

#[derive(Deserialize)]
struct Struct {
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    not_traversed: BTreeMap<String, Reason>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reason {
    Always(String),
    Only { only: Vec<String>, reason: String },
}

impl Untraversed {
    /// The list for one version of Python, such as 3.12.
    pub(super) fn read(version: &str) -> Result<Self, UntraversedError> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../layouts/types.toml");
        let text = fs::read_to_string(&path).map_err(|source| UntraversedError::Unreadable {
            path: path.clone(),
            source,
        })?;
        let tables: Tables = toml::from_str(&text).map_err(|source| {
            let source = Box::new(source);
            UntraversedError::Malformed { path, source }
        })?;
        let mut reasons = HashMap::new();
        let states = tables.modules.into_values().map(|mut state| {
            state.types = vec!["module".to_owned()];
            state
        });
        for one in tables.structs.into_values().chain(states) {
            for (field, reason) in &one.not_traversed {
                let Some(reason) = reason.in_version(version) else {
                    continue;
                };
                let relation = match one.attributes.get(field) {
                    Some(attribute) => format!(".{attribute}"),
                    None => format!("->{field}"),
                };
                for type_name in &one.types {
                    let key = (type_name.clone(), relation.clone());
                    reasons.insert(key, format!("{type_name}{relation}: {reason}"));
                }
            }
        }
        Ok(Self { reasons })
    }

    /// Why an object's own type, or the first of its bases that is listed, does not visit a
    /// reference.
    pub(super) fn reason(
        &self,
        snapshot: &Snapshot,
        object: ObjectId,
        relation: &str,
    ) -> Option<&str> {
        let first = snapshot.type_of(object);
        let base = |one: &&Type| snapshot.types.get(one.base?.index());
        let mut bases = std::iter::successors(Some(first), base).take(snapshot.types.len());
        let found = bases.find_map(|one| {
            // An array is listed once for all of its items.
            let relation = relation
                .split_once('[')
                .map_or(relation, |(array, _)| array);
            self.reasons
                .get(&(one.tp_name.clone(), relation.to_owned()))
        });
        found.map(String::as_str)
    }
}

impl Reason {
    fn in_version(&self, version: &str) -> Option<&str> {
        match self {
            Self::Always(reason) => Some(reason),
            Self::Only { only, reason } => only
                .iter()
                .any(|one| one == version)
                .then_some(reason.as_str()),
        }
    }
}
