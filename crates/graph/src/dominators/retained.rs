use super::{DominatorTree, Node};
use exuvia_snapshot::ObjectId;

/// What each node of a [`DominatorTree`] keeps alive: the sum of its subtree's sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainedSizes {
    /// By node.
    sizes: Vec<u64>,
}

impl RetainedSizes {
    /// Sums up the sizes of the objects.
    pub fn new(tree: &DominatorTree, size: impl Fn(ObjectId) -> u64) -> Self {
        let own = |node| tree.object(node).map_or(0, &size);
        let mut sizes: Vec<u64> = tree.nodes().map(own).collect();
        for node in tree.nodes().skip(1).rev() {
            let parent = tree.parent(node).0 as usize;
            sizes[parent] = sizes[parent].saturating_add(sizes[node.0 as usize]);
        }
        Self { sizes }
    }

    /// The bytes that would be freed if what stands at a node went; at the virtual root
    /// those of everything.
    #[inline]
    pub fn of(&self, node: Node) -> u64 {
        self.sizes[node.0 as usize]
    }
}
