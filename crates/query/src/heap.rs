use crate::{
    AnalysisStore, Classifier, Dominators, Limitation, MemoryReport, MergeLimits, MergedPaths,
    NoMemoryFacts, ObjectDetails, ObjectSet, Outside, Partition, PartitionOptions, PathOptions,
    Retained, Selection, SelectionError, ShortestPaths, Tree, TreeOptions, Verdict, WasteReport,
    analysis, dominators, liveness::Liveness, type_names::TypeNames,
};
use exuvia_graph::{Follow, Reversed};
use exuvia_snapshot::{ObjectFlags, ObjectId, Snapshot};
use std::sync::OnceLock;

/// One snapshot, and the answers to questions about it.
#[derive(Debug)]
pub struct Heap {
    snapshot: Snapshot,
    liveness: OnceLock<Liveness>,
    type_names: OnceLock<TypeNames>,
    dominators: OnceLock<Dominators>,
    retained_by_kind: OnceLock<Vec<u64>>,
    reversed: OnceLock<Reversed>,
    store: Option<Box<dyn AnalysisStore>>,
}

impl Heap {
    /// A heap over a snapshot. What is derived from it is computed when it is first needed,
    /// and then kept.
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            liveness: OnceLock::new(),
            type_names: OnceLock::new(),
            dominators: OnceLock::new(),
            retained_by_kind: OnceLock::new(),
            reversed: OnceLock::new(),
            store: None,
        }
    }

    /// A heap over a snapshot, beside which what takes long to derive is kept.
    pub fn with_store(snapshot: Snapshot, store: Box<dyn AnalysisStore>) -> Self {
        Self {
            store: Some(store),
            ..Self::new(snapshot)
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
        Partition::of(self, by.into())
    }

    /// The live objects, or those of a set, divided into rows in any way.
    pub fn divided(&self, set: Option<&ObjectSet>, options: PartitionOptions) -> Partition {
        match set {
            Some(set) => Partition::of_set(self, set, options),
            None => Partition::of(self, options),
        }
    }

    /// What a table of all live objects does not show, or shows without saying why it is alive.
    pub fn outside(&self) -> Outside {
        Outside::of(&self.snapshot, self.liveness())
    }

    /// Some objects, divided into rows.
    pub fn partition_of(&self, set: &ObjectSet, by: Classifier) -> Partition {
        Partition::of_set(self, set, by.into())
    }

    /// The live objects for which something holds, or the object at an address.
    pub fn select(&self, selection: &Selection) -> Result<ObjectSet, SelectionError> {
        ObjectSet::select(self, selection)
    }

    /// The shortest paths from the roots to the nearest of some objects.
    pub fn shortest_paths(&self, targets: &ObjectSet, options: &PathOptions) -> ShortestPaths<'_> {
        ShortestPaths::search(self, targets.ids(), options)
    }

    /// Where the shortest paths to all of some objects run together.
    pub fn merged_paths(
        &self,
        targets: &ObjectSet,
        options: &PathOptions,
        limits: MergeLimits,
    ) -> MergedPaths {
        MergedPaths::search(self, targets, options, limits)
    }

    /// Whether a limit holds.
    pub fn check(&self, limitation: &Limitation) -> Verdict {
        Verdict::of(self, limitation)
    }

    /// Memory that could be saved; `top` rows of each sort of waste are told.
    pub fn waste(&self, top: usize) -> WasteReport {
        WasteReport::of(self, top)
    }

    /// Where the memory of the process was.
    ///
    /// # Errors
    /// When the snapshot was made without asking for that.
    pub fn memory(&self) -> Result<MemoryReport<'_>, NoMemoryFacts> {
        MemoryReport::of(self)
    }

    /// All that is known of an object of the snapshot.
    pub fn object(&self, object: ObjectId) -> ObjectDetails {
        ObjectDetails::of(self, object)
    }

    /// Which objects keep which alive, one by one.
    pub fn dominators(&self) -> &Dominators {
        self.dominators.get_or_init(|| {
            let stored = self.store.as_ref().and_then(|store| store.tree());
            if let Some(kept) = stored.and_then(|stored| analysis::kept(self, &stored)) {
                return kept;
            }
            let dominators = Dominators::of(self);
            if let Some(store) = &self.store {
                let objects = self.snapshot.objects.len();
                store.keep_rows(objects, &analysis::Rows::of(&dominators));
            }
            dominators
        })
    }

    /// What would go if some objects went: heapy's `dominos`.
    pub fn retained_by(&self, set: &[ObjectId]) -> Retained {
        Retained::by(self, set)
    }

    /// The dominator tree of all live objects, or the parts of it that begin with some.
    pub fn tree(&self, objects: Option<&ObjectSet>, options: &TreeOptions) -> Tree {
        match objects {
            Some(set) => Tree::of_objects(self, set.ids(), options),
            None => Tree::of_all(self, options),
        }
    }

    /// The bytes that would be freed if all live objects of a kind went, by kind: heapy's
    /// `domisize` of every row of the table.
    pub fn retained_by_kind(&self) -> &[u64] {
        let kinds = &self.snapshot.objects.kind;
        self.retained_by_kind.get_or_init(|| {
            let kept = self.store.as_ref().and_then(|store| store.summary());
            if let Some(kept) = kept.filter(|kept| kept.kinds.len() == self.snapshot.kinds.len()) {
                return kept.kinds.iter().map(|kind| kind.retained).collect();
            }
            let retained = self.retained_by_class(self.snapshot.kinds.len(), |object| {
                // A frame that is no object is in no row.
                (!self.is_synthetic(object)).then(|| kinds[object.index()].index())
            });
            if let Some(store) = &self.store {
                store.keep_summary(&analysis::summary(self, &retained));
            }
            retained
        })
    }

    /// The bytes that would be freed if all live objects of a class went, for each of some
    /// classes. `class` numbers the class of an object, below `classes`, if it is of any.
    pub fn retained_by_class(
        &self,
        classes: usize,
        class: impl Fn(ObjectId) -> Option<usize>,
    ) -> Vec<u64> {
        dominators::retained_by(self, classes, class)
    }

    /// Whether a row stands for a frame that runs without a frame object.
    pub(crate) fn is_synthetic(&self, object: ObjectId) -> bool {
        self.snapshot.objects.flags[object.index()].contains(ObjectFlags::SYNTHETIC)
    }

    pub(crate) fn liveness(&self) -> &Liveness {
        self.liveness.get_or_init(|| Liveness::of(&self.snapshot))
    }

    /// The references against their direction, weak ones included.
    pub(crate) fn reversed(&self) -> &Reversed {
        self.reversed
            .get_or_init(|| Reversed::of(&self.snapshot.references, Follow::All))
    }

    pub(crate) fn type_names(&self) -> &TypeNames {
        self.type_names
            .get_or_init(|| TypeNames::of(&self.snapshot))
    }
}
