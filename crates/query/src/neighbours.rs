use crate::{
    Heap, ObjectSet, ROOT, RelationRow,
    origins::{self, Origin},
    relation_rows,
};
use exuvia_graph::{BitSet, Follow, reachable_up_to};
use exuvia_snapshot::{ObjectFlags, ObjectId};
use serde::Serialize;

/// What refers to some objects, or what they refer to.
#[derive(Debug, Clone)]
pub struct Neighbours {
    /// The live objects on the other side of the references, each once. A member of the set
    /// is among them when another member, or itself, refers to it.
    pub objects: ObjectSet,
    /// Of referrers: the roots that hold objects of the set.
    pub roots: Vec<HoldingRoot>,
    /// The references, by the kind that holds them and by what they are called, the most
    /// frequent first.
    pub relations: Vec<RelationRow>,
}

/// A root, or a thread's frame without a frame object, that holds objects of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldingRoot {
    /// heapy's name of it: `hp.Root.i0_modules`, `hp.Root.i0_t140192_f0.f_locals['x']`.
    pub name: String,
    /// How many objects of the set it holds.
    pub objects: u64,
}

impl Heap {
    /// The live objects and the roots that refer to some objects, over weak references as well
    /// if they count.
    pub fn referrers(&self, set: &ObjectSet, weak: bool) -> Neighbours {
        Neighbours::referrers(self, set, weak)
    }

    /// The objects to which some objects refer, over weak references as well if they count.
    pub fn referents(&self, set: &ObjectSet, weak: bool) -> Neighbours {
        Neighbours::referents(self, set, weak)
    }

    /// Those referrers of some objects that the roots reach without passing through another
    /// one of them.
    pub fn immediate_dominators(&self, set: &ObjectSet) -> Neighbours {
        Neighbours::immediate_dominators(self, set)
    }

    /// What would go if some objects went: heapy's dominos, the set itself included.
    pub fn dominated_by(&self, set: &ObjectSet) -> ObjectSet {
        let retained = self.retained_by(set.ids());
        let description = format!("what {} keeps alive", set.description());
        ObjectSet::new(self, retained.objects, description)
    }
}

impl Neighbours {
    /// The live objects that refer to members of the set.
    pub(crate) fn referrers(heap: &Heap, set: &ObjectSet, weak: bool) -> Self {
        let sources = referrers(heap, set.ids(), weak);
        let description = format!("referrers of {}", set.description());
        Self {
            objects: ObjectSet::new(heap, without_synthetic(heap, &sources), description),
            roots: holding_roots(heap, set.ids()),
            relations: relation_rows::to(heap, set.ids(), weak),
        }
    }

    /// The objects to which members of the set refer.
    pub(crate) fn referents(heap: &Heap, set: &ObjectSet, weak: bool) -> Self {
        let references = &heap.snapshot().references;
        let mut reached = BitSet::new(references.objects());
        for &source in set.ids() {
            let taken = references.of(source).filter(|one| weak || !one.weak);
            reached.extend(taken.map(|reference| reference.target));
        }
        let description = format!("referents of {}", set.description());
        let targets = without_synthetic(heap, &reached);
        Self {
            objects: ObjectSet::new(heap, targets, description),
            roots: Vec::new(),
            relations: relation_rows::from(heap, set.ids(), weak),
        }
    }

    /// The immediate dominators of the set: those of its referrers that the roots reach
    /// without passing through another one of them, as heapy defines it. When a root itself
    /// holds a member of the set, that root is the one, and there are no objects.
    pub(crate) fn immediate_dominators(heap: &Heap, set: &ObjectSet) -> Self {
        let mut result = Self::referrers(heap, set, false);
        let dominators = immediate_dominators(heap, set.ids());
        let description = format!("immediate dominators of {}", set.description());
        result.objects = ObjectSet::new(heap, without_synthetic(heap, &dominators), description);
        result
    }
}

/// The roots that hold members of a set.
pub(crate) fn holding_roots(heap: &Heap, set: &[ObjectId]) -> Vec<HoldingRoot> {
    let mut members = BitSet::new(heap.snapshot().references.objects());
    members.extend(set.iter().copied());
    let mut roots: Vec<HoldingRoot> = Vec::new();
    for Origin { name, .. } in origins::holding(heap, &members) {
        let name = format!("{ROOT}.{name}");
        match roots.last_mut() {
            Some(last) if last.name == name => last.objects += 1,
            _ => roots.push(HoldingRoot { name, objects: 1 }),
        }
    }
    roots
}

/// The live objects that refer to some objects; frames without a frame object are among them.
pub(crate) fn referrers(heap: &Heap, set: &[ObjectId], weak: bool) -> BitSet {
    let references = &heap.snapshot().references;
    let alive = &heap.liveness().alive;
    let mut sources = BitSet::new(references.objects());
    for &target in set {
        let incoming = heap.reversed().to(references, target);
        let taken = incoming.filter(|one| weak || !references.is_weak(one.place));
        sources.extend(
            taken
                .map(|one| one.source)
                .filter(|&one| alive.contains(one)),
        );
    }
    sources
}

/// See [`Neighbours::immediate_dominators`]; frames without a frame object included.
pub(crate) fn immediate_dominators(heap: &Heap, set: &[ObjectId]) -> BitSet {
    let references = &heap.snapshot().references;
    let barrier = referrers(heap, set, false);
    let seeds = heap.liveness().seeds(heap.snapshot());
    if set.iter().any(|&member| seeds.contains(member)) {
        return BitSet::new(references.objects());
    }
    let reached = reachable_up_to(references, seeds.iter(), Follow::Strong, &barrier);
    let mut dominators = BitSet::new(references.objects());
    dominators.extend(barrier.iter().filter(|&id| reached.contains(id)));
    dominators
}

fn without_synthetic(heap: &Heap, objects: &BitSet) -> Vec<ObjectId> {
    let flags = &heap.snapshot().objects.flags;
    let is_real = |id: &ObjectId| !flags[id.index()].contains(ObjectFlags::SYNTHETIC);
    objects.iter().filter(is_real).collect()
}
