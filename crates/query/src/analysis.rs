use crate::{Dominators, Heap, Outside};
use exuvia_graph::{DominatorTree, StoredTree};
use exuvia_snapshot::{AnalysisRow, AnalysisRows, KindSummary, ObjectId, StoredAnalysis, Summary};
use std::fmt;

/// Keeps what takes long to derive from a snapshot, for the next time.
pub trait AnalysisStore: fmt::Debug + Send + Sync {
    /// The dominator tree that was kept.
    fn tree(&self) -> Option<StoredAnalysis>;

    /// Keeps the rows of all `objects`.
    fn keep_rows(&self, objects: usize, rows: &dyn AnalysisRows);

    /// The table by kind that was kept.
    fn summary(&self) -> Option<Summary>;

    /// Keeps the table by kind, after the rows.
    fn keep_summary(&self, summary: &Summary);
}

/// The dominators that were kept, if they are a tree of just the live objects.
pub(crate) fn kept(heap: &Heap, stored: &StoredAnalysis) -> Option<Dominators> {
    let alive = &heap.liveness().alive;
    let is_alive =
        |(object, &number): (u32, &u32)| alive.contains(ObjectId(object)) == (number != 0);
    let fits = stored.preorder.len() == heap.snapshot().objects.len()
        && (0..).zip(&stored.preorder).all(is_alive);
    let tree = fits.then(|| {
        DominatorTree::from_stored(StoredTree {
            preorder: &stored.preorder,
            last_descendant: &stored.last_descendant,
        })
    });
    Some(Dominators::of_tree(heap, tree??))
}

/// The rows of the dominators of a heap.
pub(crate) struct Rows<'a> {
    dominators: &'a Dominators,
    /// By node of the tree.
    depths: Vec<u32>,
}

impl<'a> Rows<'a> {
    pub(crate) fn of(dominators: &'a Dominators) -> Self {
        Self {
            dominators,
            depths: dominators.tree().depths(),
        }
    }
}

impl AnalysisRows for Rows<'_> {
    fn row(&self, object: ObjectId) -> Option<AnalysisRow> {
        let tree = self.dominators.tree();
        let node = tree.node(object)?;
        Some(AnalysisRow {
            dominator: tree.object(tree.parent(node)),
            retained: self.dominators.retained(object),
            depth: self.depths[node.0 as usize],
            preorder: node.0,
            last_descendant: tree.last(node).0,
        })
    }
}

/// The table by kind.
pub(crate) fn summary(heap: &Heap, retained: &[u64]) -> Summary {
    let extents = crate::partition::extents_by_kind(heap);
    let kinds = extents.iter().zip(retained);
    let outside = Outside::of(heap.snapshot(), heap.liveness());
    Summary {
        kinds: kinds
            .map(|(extent, &retained)| KindSummary {
                objects: extent.objects,
                bytes: extent.bytes,
                retained,
            })
            .collect(),
        garbage: (outside.garbage.objects, outside.garbage.bytes),
        native: (outside.native.objects, outside.native.bytes),
        allocated: outside.allocated,
    }
}
