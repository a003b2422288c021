use crate::Interpreter;
use crate::oracle::{Comparison, all_rules};
use anyhow::{Context, Result};
use object::{Object, ObjectKind, ReadCache};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The folder that the oracle's test writes what it found to, where this is set.
pub const SUPPORT_VARIABLE: &str = "EXUVIA_SUPPORT";

/// How files end that have the rules that a comparison needed.
const RULES: &str = "rules";

/// Writes which rules a comparison needed, under a name of its own, for the task that looks for
/// those that none needs; nothing where nobody has asked for it.
pub fn hand_over_rules(name: &str, comparison: &Comparison) -> Result<()> {
    let Some(folder) = env::var_os(SUPPORT_VARIABLE) else {
        return Ok(());
    };
    let name = format!("{}.{RULES}", name.replace('/', "-"));
    let path = PathBuf::from(folder).join(name);
    fs::write(&path, serde_json::to_vec(&comparison.rules)?)
        .with_context(|| path.display().to_string())
}

/// The rules by which differences are accepted that none of the comparisons in a folder needed.
pub fn unneeded_rules(folder: &Path) -> Result<BTreeSet<String>> {
    let mut unneeded = all_rules();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != RULES) {
            continue;
        }
        let needed: BTreeSet<String> = serde_json::from_slice(&fs::read(&path)?)
            .with_context(|| path.display().to_string())?;
        unneeded.retain(|rule| !needed.contains(rule));
    }
    Ok(unneeded)
}

/// A row of the support table: what the comparison of one interpreter came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportRecord {
    /// `sys.version_info[:3]`.
    pub version: (u32, u32, u32),
    /// Whether it has no GIL.
    pub free_threaded: bool,
    /// How it is built and linked: `static PIE, musl, stripped`.
    pub build: String,
    /// Where it comes from.
    pub origin: String,
    /// How many objects were compared.
    pub objects: usize,
    /// Of how many types they were.
    pub types: usize,
    /// Differences without a reason.
    pub unexplained: usize,
    /// Reasons, and how many differences each explains.
    pub explained: BTreeMap<String, usize>,
}

impl SupportRecord {
    /// The row of an interpreter.
    pub fn new(interpreter: &Interpreter, comparison: &Comparison) -> Result<Self> {
        Ok(Self {
            version: interpreter.version,
            free_threaded: interpreter.free_threaded,
            build: build_of(interpreter)?,
            origin: interpreter.origin().to_string(),
            objects: comparison.objects,
            types: comparison.types,
            unexplained: comparison.failures.iter().map(|group| group.count).sum(),
            explained: comparison.accepted.clone(),
        })
    }

    /// Version without the bug-fix release, and flavor: `3.13t`.
    pub fn series(&self) -> String {
        let (major, minor, _) = self.version;
        let flavor = if self.free_threaded { "t" } else { "" };
        format!("{major}.{minor}{flavor}")
    }

    /// Writes it for the task that makes the table; nothing where nobody has asked for it.
    pub fn hand_over(&self, interpreter: &Interpreter) -> Result<()> {
        let Some(folder) = env::var_os(SUPPORT_VARIABLE) else {
            return Ok(());
        };
        let name = interpreter.executable.to_string_lossy().replace('/', "-");
        let path = PathBuf::from(folder).join(format!("{name}.json"));
        fs::write(&path, serde_json::to_vec(self)?).with_context(|| path.display().to_string())
    }

    /// All rows in a folder, the oldest version first.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == RULES) {
                continue;
            }
            let record: Self = serde_json::from_slice(&fs::read(&path)?)
                .with_context(|| path.display().to_string())?;
            records.push(record);
        }
        records.sort_by(|a, b| a.sorted_by().cmp(&b.sorted_by()));
        Ok(records)
    }

    fn sorted_by(&self) -> impl Ord + '_ {
        (self.version, self.free_threaded, &self.build, &self.origin)
    }
}

/// How an interpreter is built, from the file that holds it.
fn build_of(interpreter: &Interpreter) -> Result<String> {
    let path = &interpreter.image;
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let cache = ReadCache::new(file);
    let image = object::File::parse(&cache).with_context(|| path.display().to_string())?;
    let mut words = vec![match (interpreter.shared, image.kind()) {
        (true, _) => "shared",
        (false, ObjectKind::Executable) => "static",
        (false, _) => "static PIE",
    }];
    if interpreter.musl {
        words.push("musl");
    }
    if image.symbol_table().is_none() {
        words.push("stripped");
    }
    Ok(words.join(", "))
}
