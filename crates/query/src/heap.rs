use crate::{
    Classifier, ObjectDetails, ObjectSet, Partition, PathOptions, Selection, SelectionError,
    ShortestPaths, liveness::Liveness, type_names::TypeNames,
};
use exuvia_snapshot::{ObjectId, Snapshot};
use std::sync::OnceLock;

/// One snapshot, and the answers to questions about it.
#[derive(Debug)]
pub struct Heap {
    snapshot: Snapshot,
    liveness: OnceLock<Liveness>,
    type_names: OnceLock<TypeNames>,
}

impl Heap {
    /// A heap over a snapshot. What is derived from it is computed when it is first needed,
    /// and then kept.
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            liveness: OnceLock::new(),
            type_names: OnceLock::new(),
        }
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The live objects, divided into rows.
    ///
    /// Alive is what the roots reach over strong references, and what native code holds or
    /// reaches. Frames without a frame object are not counted.
    pub fn partition(&self, by: Classifier) -> Partition {
        Partition::of(self, by)
    }

    /// The live objects of a kind, a type or a row, or the object at an address.
    pub fn select(&self, selection: &Selection) -> Result<ObjectSet, SelectionError> {
        ObjectSet::select(self, selection)
    }

    /// The shortest paths from the roots to the nearest of some objects.
    pub fn shortest_paths(&self, targets: &ObjectSet, options: &PathOptions) -> ShortestPaths<'_> {
        ShortestPaths::search(self, targets.ids(), *options)
    }

    /// All that is known of an object of the snapshot.
    pub fn object(&self, object: ObjectId) -> ObjectDetails {
        ObjectDetails::of(self, object)
    }

    pub(crate) fn liveness(&self) -> &Liveness {
        self.liveness.get_or_init(|| Liveness::of(&self.snapshot))
    }

    pub(crate) fn type_names(&self) -> &TypeNames {
        self.type_names
            .get_or_init(|| TypeNames::of(&self.snapshot))
    }
}
