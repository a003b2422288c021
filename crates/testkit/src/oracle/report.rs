use serde::Deserialize;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// Words before the addresses of the referents.
const HEADER: usize = 6;

const TRACKED: u64 = 1;
const EXACT: u64 = 2;
const CLASS: u64 = 4;
const UNKNOWN_SIZE: u64 = u64::MAX;

/// What an interpreter said of all its objects.
#[derive(Debug, Default)]
pub struct Report {
    /// Every tracked object, and what is reached from them.
    pub objects: HashMap<u64, ReportedObject>,
    /// The types of those objects, by address.
    pub types: HashMap<u64, ReportedType>,
    /// heapy's kinds. Several names where a dictionary is the `__dict__` of several objects.
    pub kinds: Vec<Vec<String>>,
    /// Of how many arrays of objects the items are among the referents, although the collector
    /// does not see them.
    pub arrays: usize,
}

/// What an interpreter said of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedObject {
    /// Where its type lies.
    pub type_address: u64,
    /// `sys.getsizeof`; none where Python code computes that.
    pub size: Option<u64>,
    /// Whether the collector tracks it.
    pub tracked: bool,
    /// Whether the referents are all that it has; else only some of them are known.
    pub exact: bool,
    /// Whether it is a class.
    pub is_class: bool,
    /// Index into the kinds.
    pub kind: usize,
    /// What it refers to, sorted, each once.
    pub referents: Vec<u64>,
}

/// What an interpreter said of one type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReportedType {
    /// Where it lies.
    pub address: u64,
    /// `__module__`.
    pub module: String,
    /// `__name__`.
    pub name: String,
    /// `__qualname__`.
    pub qualname: String,
}

/// Why a report can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file of it can't be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The list of types and kinds is not the expected JSON.
    #[error("the report's types: {0}")]
    Types(#[from] serde_json::Error),
    /// The words end within an object.
    #[error("the report ends within an object")]
    Truncated,
}

#[derive(Deserialize)]
struct Tables {
    types: Vec<ReportedType>,
    kinds: Vec<Vec<String>>,
    arrays: usize,
}

impl Report {
    /// Reads the two files that the program `oracle` wrote.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let mut tables = path.as_os_str().to_owned();
        tables.push(".json");
        let tables: Tables = serde_json::from_slice(&read_file(Path::new(&tables))?)?;
        let words: Vec<u64> = read_file(path)?
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| u64::from_ne_bytes(bytes))
            .collect();
        let types = tables.types.into_iter().map(|one| (one.address, one));
        Ok(Self {
            objects: objects(&words)?,
            types: types.collect(),
            kinds: tables.kinds,
            arrays: tables.arrays,
        })
    }

    /// The name of the type of an object, qualified: `collections.OrderedDict`.
    pub fn type_name(&self, object: &ReportedObject) -> String {
        match self.types.get(&object.type_address) {
            Some(known) => format!("{}.{}", known.module, known.qualname),
            None => format!("{:#x}", object.type_address),
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, ReportError> {
    std::fs::read(path).map_err(|source| ReportError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn objects(mut words: &[u64]) -> Result<HashMap<u64, ReportedObject>, ReportError> {
    let mut objects = HashMap::new();
    while let Some((&[address, type_address, size, flags, kind, count], rest)) =
        words.split_first_chunk::<HEADER>()
    {
        let (referents, rest) = rest
            .split_at_checked(count as usize)
            .ok_or(ReportError::Truncated)?;
        let mut referents = referents.to_vec();
        referents.sort_unstable();
        referents.dedup();
        let object = ReportedObject {
            type_address,
            size: (size != UNKNOWN_SIZE).then_some(size),
            tracked: flags & TRACKED != 0,
            exact: flags & EXACT != 0,
            is_class: flags & CLASS != 0,
            kind: kind as usize,
            referents,
        };
        objects.insert(address, object);
        words = rest;
    }
    if words.is_empty() {
        Ok(objects)
    } else {
        Err(ReportError::Truncated)
    }
}
