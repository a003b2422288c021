use super::Matching;
use crate::{Classifier, Extent, Heap, ObjectSet};
use exuvia_snapshot::ObjectId;
use serde::Serialize;
use std::collections::HashMap;

/// What became of objects between two heaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Fates {
    /// In both.
    pub stayed: Extent,
    /// In the newer one only.
    pub came: Extent,
    /// In the older one only.
    pub went: Extent,
}

/// The live objects of a heap that an older one does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObjects {
    /// The objects.
    pub set: ObjectSet,
    /// What became of all.
    pub fates: Fates,
}

impl NewObjects {
    /// From two heaps and which of their objects are the same.
    pub fn of(old: &Heap, new: &Heap, matching: &Matching) -> Self {
        let mut fates = Fates::default();
        let size = |heap: &Heap, id: ObjectId| heap.snapshot().objects.size[id.index()];
        let mut ids = Vec::new();
        for id in live(new) {
            match matching.older(id) {
                Some(_) => fates.stayed.add(size(new, id)),
                None => {
                    fates.came.add(size(new, id));
                    ids.push(id);
                }
            }
        }
        for id in live(old).filter(|&id| !matching.is_still_there(id)) {
            fates.went.add(size(old, id));
        }
        Self {
            set: ObjectSet::new(new, ids, "objects that are new".to_owned()),
            fates,
        }
    }

    /// Of the new objects of this heap, those that a newer one still has. `fates` tells which
    /// stayed there and which went again.
    #[must_use]
    pub fn that_stayed(&self, this: &Heap, newer: &Heap, matching: &Matching) -> Self {
        let mut fates = Fates::default();
        for &id in self.set.ids() {
            let size = this.snapshot().objects.size[id.index()];
            match matching.is_still_there(id) {
                true => fates.stayed.add(size),
                false => fates.went.add(size),
            }
        }
        let is_new = |id: ObjectId| self.set.ids().binary_search(&id).is_ok();
        let stayed = live(newer).filter(|&id| matching.older(id).is_some_and(is_new));
        Self {
            set: ObjectSet::new(
                newer,
                stayed.collect(),
                "objects that came first and stayed".to_owned(),
            ),
            fates,
        }
    }

    /// How many there are of each kind, by its name.
    pub fn by_kind(&self, heap: &Heap) -> HashMap<String, u64> {
        let rows = heap.partition_of(&self.set, Classifier::Kind).rows;
        let mut counts: HashMap<String, u64> = HashMap::new();
        for row in rows {
            *counts.entry(row.name).or_default() += row.count;
        }
        counts
    }
}

/// The live objects of a heap.
fn live(heap: &Heap) -> impl Iterator<Item = ObjectId> + '_ {
    let alive = heap.liveness().alive.iter();
    alive.filter(|&id| !heap.is_synthetic(id))
}
