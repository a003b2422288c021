use crate::{Extent, Heap};
use exuvia_graph::{BitSet, DominatorTree, Follow, Node, RetainedSizes, extend, retained_by_class};
use exuvia_snapshot::{ObjectFlags, ObjectId, Snapshot};

/// Which objects keep which alive: the dominator tree of the live objects over strong
/// references, and the size of each of its subtrees.
///
/// An object dominates another if every way from the roots to that one passes through it. What
/// it retains is itself and what it dominates: that would be freed if it went. The tree begins
/// with everything that is alive by itself: roots, static objects and what native code holds.
#[derive(Debug)]
pub struct Dominators {
    tree: DominatorTree,
    retained: RetainedSizes,
    /// Frames that are no objects, in ascending order.
    frames: Vec<Node>,
}

impl Dominators {
    pub(crate) fn of(heap: &Heap) -> Self {
        let references = &heap.snapshot().references;
        let seeds = heap.liveness().seeds(heap.snapshot());
        Self::of_tree(heap, DominatorTree::new(references, &seeds, Follow::Strong))
    }

    pub(crate) fn of_tree(heap: &Heap, tree: DominatorTree) -> Self {
        let retained = RetainedSizes::new(&tree, |object| size(heap.snapshot(), object));
        let synthetic = heap
            .snapshot()
            .objects
            .ids()
            .filter(|&id| heap.is_synthetic(id));
        let mut frames: Vec<Node> = synthetic.filter_map(|id| tree.node(id)).collect();
        frames.sort_unstable();
        Self {
            tree,
            retained,
            frames,
        }
    }

    /// The tree itself.
    pub fn tree(&self) -> &DominatorTree {
        &self.tree
    }

    /// The bytes that would be freed if an object went, as `sys.getsizeof` counts them: its own
    /// and those of everything that it dominates. 0 for garbage.
    #[inline]
    pub fn retained(&self, object: ObjectId) -> u64 {
        self.tree
            .node(object)
            .map_or(0, |node| self.retained.of(node))
    }

    /// How many objects would go if an object went, itself included.
    pub fn retained_objects(&self, object: ObjectId) -> u64 {
        self.tree
            .node(object)
            .map_or(0, |node| self.extent(node).objects)
    }

    /// All live objects, and their bytes.
    pub fn total(&self) -> Extent {
        self.extent(Node::ROOT)
    }

    /// The objects at a node of the tree and below it, and their bytes.
    pub(crate) fn extent(&self, node: Node) -> Extent {
        let (first, last) = (node.max(Node(1)), self.tree.last(node));
        let before = |end: Node| self.frames.partition_point(|&frame| frame < end);
        let frames = before(Node(last.0.saturating_add(1))) - before(first);
        Extent {
            objects: u64::from((last.0 + 1).saturating_sub(first.0)) - frames as u64,
            bytes: self.retained.of(node),
        }
    }

    /// The object that dominates an object immediately; none for what only the roots dominate,
    /// and for garbage.
    pub fn immediate_dominator(&self, object: ObjectId) -> Option<ObjectId> {
        let node = self.tree.node(object)?;
        self.tree.object(self.tree.parent(node))
    }

    /// What an object dominates immediately; for none, what no object dominates.
    pub fn children(&self, parent: Option<ObjectId>) -> impl Iterator<Item = ObjectId> + '_ {
        let node = match parent {
            Some(parent) => self.tree.node(parent),
            None => Some(Node::ROOT),
        };
        let nodes = node.into_iter().flat_map(|node| self.tree.children(node));
        nodes.filter_map(|node| self.tree.object(node))
    }

    /// Whether an object dominates another, or is the same; not where one of them is garbage.
    pub fn dominates(&self, dominator: ObjectId, dominated: ObjectId) -> bool {
        match (self.tree.node(dominator), self.tree.node(dominated)) {
            (Some(dominator), Some(dominated)) => self.tree.dominates(dominator, dominated),
            _ => false,
        }
    }

    /// How many objects dominate an object, itself included: 1 for what only the roots
    /// dominate, 0 for garbage. Takes as many steps.
    pub fn depth(&self, object: ObjectId) -> u32 {
        let mut depth = 0;
        let mut node = self.tree.node(object).unwrap_or(Node::ROOT);
        while node != Node::ROOT {
            depth += 1;
            node = self.tree.parent(node);
        }
        depth
    }
}

/// What would go if some objects went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retained {
    /// The objects, the set included, as far as it is alive; by address.
    pub objects: Vec<ObjectId>,
    /// How many these are, and their bytes.
    pub extent: Extent,
}

impl Retained {
    /// By one search from the roots that does not pass through the set.
    pub(crate) fn by(heap: &Heap, set: &[ObjectId]) -> Self {
        let snapshot = heap.snapshot();
        let alive = &heap.liveness().alive;
        let mut gone = BitSet::new(snapshot.objects.len());
        gone.extend(set.iter().copied().filter(|&object| alive.contains(object)));
        let mut stays = gone.clone();
        let seeds = heap.liveness().seeds(snapshot);
        extend(
            &mut stays,
            &snapshot.references,
            seeds.iter(),
            Follow::Strong,
        );
        let objects: Vec<ObjectId> = alive
            .iter()
            .filter(|&object| gone.contains(object) || !stays.contains(object))
            .filter(|&object| !heap.is_synthetic(object))
            .collect();
        let mut extent = Extent::default();
        for &object in &objects {
            extent.add(size(snapshot, object));
        }
        Self { objects, extent }
    }
}

/// What the objects of each class keep alive together: the bytes that would be freed if all of
/// them went.
///
/// The tree tells that of a class with one member, and of one whose members refer to nothing;
/// the others are looked at 64 at a time.
pub(crate) fn retained_by(
    heap: &Heap,
    classes: usize,
    class: impl Fn(ObjectId) -> Option<usize>,
) -> Vec<u64> {
    let snapshot = heap.snapshot();
    let references = &snapshot.references;
    let dominators = heap.dominators();
    let mut members = vec![0u64; classes];
    let mut sums = vec![0u64; classes];
    let mut refers = vec![false; classes];
    for object in heap.liveness().alive.iter() {
        let Some(class) = class(object).filter(|&class| class < classes) else {
            continue;
        };
        members[class] += 1;
        sums[class] = match members[class] {
            1 => dominators.retained(object),
            _ => sums[class].saturating_add(dominators.retained(object)),
        };
        refers[class] |= references
            .range(object)
            .any(|place| !references.is_weak(place));
    }
    // The classes that need a search, numbered anew.
    let mut rows = vec![None; classes];
    let mut searched = Vec::new();
    for wanted in 0..classes {
        if members[wanted] > 1 && refers[wanted] {
            rows[wanted] = Some(searched.len());
            searched.push(wanted);
        }
    }
    let seeds: Vec<ObjectId> = heap.liveness().seeds(snapshot).iter().collect();
    let found = retained_by_class(
        references,
        &seeds,
        Follow::Strong,
        dominators.tree(),
        searched.len(),
        |object| rows.get(class(object)?).copied().flatten(),
        |object| size(snapshot, object),
    );
    for (wanted, retained) in searched.into_iter().zip(found) {
        sums[wanted] = retained;
    }
    sums
}

/// The bytes that an object counts for: none for a frame that is no object.
fn size(snapshot: &Snapshot, object: ObjectId) -> u64 {
    if snapshot.objects.flags[object.index()].contains(ObjectFlags::SYNTHETIC) {
        0
    } else {
        snapshot.objects.size[object.index()]
    }
}
