use crate::{Heap, ObjectSet, PathOptions, SelectionError, Term};
use serde::Serialize;

/// A limit that a heap is held to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limitation {
    /// What is limited.
    pub measure: Measure,
    /// The kind, or where none of that name has live objects the type, whose live objects are
    /// measured; none for garbage.
    pub name: Option<String>,
    /// The most that is allowed.
    pub most: u64,
}

/// What a [`Limitation`] limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// How many objects there are.
    Count,
    /// Their bytes, as `sys.getsizeof` counts them.
    Size,
    /// The bytes that would be freed if all of them went.
    Retained,
    /// The bytes of what waits for the garbage collector.
    Garbage,
}

impl Measure {
    /// Whether it is bytes, and not objects.
    pub fn is_bytes(self) -> bool {
        self != Self::Count
    }
}

/// What came of a [`Limitation`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The limit.
    #[serde(flatten)]
    pub limitation: Limitation,
    /// What was found.
    pub found: u64,
    /// Whether it is within the limit.
    pub passed: bool,
    /// Of one that is exceeded, the first of the shortest paths to its objects.
    pub paths: Vec<String>,
    /// Names that look like the wanted one, where no kind and no type has it.
    pub closest: Option<Vec<String>>,
}

/// How many paths are shown for a limit that is exceeded.
const PATHS: usize = 3;

impl Verdict {
    pub(crate) fn of(heap: &Heap, limitation: &Limitation) -> Self {
        let mut verdict = Self {
            limitation: limitation.clone(),
            found: 0,
            passed: true,
            paths: Vec::new(),
            closest: None,
        };
        let Some(name) = &limitation.name else {
            verdict.found = heap.outside().garbage.bytes;
            verdict.passed = verdict.found <= limitation.most;
            return verdict;
        };
        match objects(heap, name) {
            Ok(set) => {
                verdict.found = match limitation.measure {
                    Measure::Size => set.size(),
                    Measure::Retained => heap.retained_by(set.ids()).extent.bytes,
                    Measure::Count | Measure::Garbage => set.count(),
                };
                verdict.passed = verdict.found <= limitation.most;
                if !verdict.passed {
                    let paths = heap.shortest_paths(&set, &PathOptions::default());
                    verdict.paths = paths
                        .iter()
                        .take(PATHS)
                        .map(|path| path.to_string())
                        .collect();
                }
            }
            // A name that is known and has no live objects is within every limit.
            Err(SelectionError::UnknownKind { closest, .. }) => verdict.closest = Some(closest),
            Err(_) => {}
        }
        verdict
    }
}

/// The live objects of a kind or, where no kind of the name has any, of a type. The error is
/// that of the kind.
fn objects(heap: &Heap, name: &str) -> Result<ObjectSet, SelectionError> {
    match heap.select(&Term::Kind(name.to_owned()).into()) {
        // All dicts have a kind that says whose they are: none is of the kind `dict`.
        Err(error @ (SelectionError::UnknownKind { .. } | SelectionError::NoneAlive { .. })) => {
            match heap.select(&Term::Type(name.to_owned()).into()) {
                Err(SelectionError::UnknownType { .. }) => Err(error),
                of_type => of_type,
            }
        }
        of_kind => of_kind,
    }
}
