use super::{depth_first::DepthFirst, predecessors::Predecessors, semi_nca};
use crate::{BitSet, Follow};
use exuvia_snapshot::{ObjectId, References};

/// A position in a [`DominatorTree`]: its preorder number. 0 is the virtual root, which
/// refers to all seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub u32);

impl Node {
    /// That of the virtual root.
    pub const ROOT: Self = Self(0);

    #[inline]
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// The dominator tree of what some seeds reach.
///
/// An object dominates another if every way from the seeds to that one passes through it: if
/// it went, so would the other. The objects that an object dominates are its subtree, which is
/// a range of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DominatorTree {
    /// By object; 0 for one that the seeds don't reach.
    nodes: Vec<u32>,
    /// By node.
    objects: Vec<ObjectId>,
    /// By node: that of the immediate dominator.
    parents: Vec<u32>,
    /// By node: the last one of the subtree.
    lasts: Vec<u32>,
}

/// A [`DominatorTree`] by objects, as it is stored: rows of `None` are objects that the seeds
/// don't reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredTree<'a> {
    /// By object: its node; 0 for one that the seeds don't reach.
    pub preorder: &'a [u32],
    /// By object: the last node of its subtree; 0 for one that the seeds don't reach.
    pub last_descendant: &'a [u32],
}

impl DominatorTree {
    /// The tree of what the seeds reach.
    pub fn new(references: &References, seeds: &BitSet, follow: Follow) -> Self {
        let search = DepthFirst::search(references, seeds.iter(), follow);
        let predecessors = Predecessors::of(references, &search, seeds, follow);
        let DepthFirst {
            mut number,
            object,
            parent,
        } = search;
        let is_seed = |vertex: u32| seeds.contains(object[vertex as usize]);
        let dominators = semi_nca::immediate_dominators(parent, &predecessors, is_seed);
        drop(predecessors);

        // A dominator has a smaller number than what it dominates, so that one pass back
        // counts the subtrees, and one forth hands out their ranges.
        let vertices = dominators.len();
        let mut counts = vec![1u32; vertices];
        for vertex in (1..vertices).rev() {
            counts[dominators[vertex] as usize] += counts[vertex];
        }
        // By number: the node that the next child gets.
        let mut next = vec![1u32; vertices];
        let mut nodes = vec![0u32; vertices];
        for vertex in 1..vertices {
            let slot = &mut next[dominators[vertex] as usize];
            nodes[vertex] = *slot;
            *slot += counts[vertex];
            next[vertex] = nodes[vertex] + 1;
        }
        drop(next);
        let mut tree = Self {
            nodes: Vec::new(),
            objects: vec![ObjectId(0); vertices],
            parents: vec![0; vertices],
            lasts: vec![0; vertices],
        };
        for vertex in 0..vertices {
            let node = nodes[vertex] as usize;
            tree.objects[node] = object[vertex];
            tree.parents[node] = nodes[dominators[vertex] as usize];
            tree.lasts[node] = nodes[vertex] + counts[vertex] - 1;
        }
        for number in &mut number {
            *number = nodes[*number as usize];
        }
        tree.nodes = number;
        tree
    }

    /// A tree from what was stored of it; nothing when that is no tree.
    pub fn from_stored(stored: StoredTree<'_>) -> Option<Self> {
        let StoredTree {
            preorder,
            last_descendant,
        } = stored;
        if preorder.len() != last_descendant.len() {
            return None;
        }
        let vertices = 1 + preorder.iter().filter(|&&node| node != 0).count();
        let mut tree = Self {
            nodes: preorder.to_vec(),
            objects: vec![ObjectId(0); vertices],
            parents: vec![0; vertices],
            lasts: vec![0; vertices],
        };
        *tree.lasts.first_mut()? = vertices as u32 - 1;
        let rows = (0..).map(ObjectId).zip(preorder).zip(last_descendant);
        for ((object, &node), &last) in rows.filter(|&((_, &node), _)| node != 0) {
            let index = node as usize;
            // Each node is taken once, so that all of them are in the end.
            if index >= vertices
                || tree.lasts[index] != 0
                || last < node
                || last as usize >= vertices
            {
                return None;
            }
            tree.objects[index] = object;
            tree.lasts[index] = last;
        }
        // The innermost range around a node is that of its parent; ranges nest.
        let mut around = vec![0u32];
        for node in 1..vertices as u32 {
            while let Some(&top) = around.last()
                && tree.lasts[top as usize] < node
            {
                around.pop();
            }
            let parent = *around.last()?;
            if tree.lasts[node as usize] > tree.lasts[parent as usize] {
                return None;
            }
            tree.parents[node as usize] = parent;
            around.push(node);
        }
        Some(tree)
    }

    /// How many objects the seeds reach.
    pub fn reached(&self) -> usize {
        self.objects.len() - 1
    }

    /// Where an object stands; nowhere when the seeds don't reach it.
    #[inline]
    pub fn node(&self, object: ObjectId) -> Option<Node> {
        let node = *self.nodes.get(object.index())?;
        (node != 0).then_some(Node(node))
    }

    /// The object at a node; none at the virtual root.
    #[inline]
    pub fn object(&self, node: Node) -> Option<ObjectId> {
        (node != Node::ROOT).then(|| self.objects[node.index()])
    }

    /// The immediate dominator of what stands at a node; that of the root is itself.
    #[inline]
    pub fn parent(&self, node: Node) -> Node {
        Node(self.parents[node.index()])
    }

    /// The last node of the subtree that begins at a node.
    #[inline]
    pub fn last(&self, node: Node) -> Node {
        Node(self.lasts[node.index()])
    }

    /// What a node dominates immediately.
    pub fn children(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        let last = self.last(node);
        let first = Some(Node(node.0 + 1)).filter(|first| *first <= last);
        std::iter::successors(first, move |child| {
            let next = Node(self.last(*child).0 + 1);
            (next <= last).then_some(next)
        })
    }

    /// Whether a node is in the subtree of another, or the same.
    #[inline]
    pub fn dominates(&self, dominator: Node, dominated: Node) -> bool {
        dominator <= dominated && dominated <= self.last(dominator)
    }

    /// By object: its node; 0 for one that the seeds don't reach.
    pub fn preorder(&self) -> &[u32] {
        &self.nodes
    }

    /// The depth of every node: how many objects dominate what stands there, and 0 for the
    /// virtual root, 1 for what no object dominates.
    pub fn depths(&self) -> Vec<u32> {
        let mut depths = vec![0; self.parents.len()];
        for node in 1..depths.len() {
            depths[node] = depths[self.parents[node] as usize] + 1;
        }
        depths
    }

    /// All nodes, the virtual root first.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = Node> + ExactSizeIterator + use<> {
        (0..self.objects.len() as u32).map(Node)
    }
}
