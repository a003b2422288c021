use crate::ObjectId;
use serde::{Deserialize, Serialize};

/// What is derived from a snapshot for each of its objects, and kept beside it.
pub trait AnalysisRows: Sync {
    /// That of a live object; none for garbage.
    fn row(&self, object: ObjectId) -> Option<AnalysisRow>;
}

/// Where a live object stands in the dominator tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnalysisRow {
    /// Its immediate dominator; none for what only roots dominate.
    pub dominator: Option<ObjectId>,
    /// The bytes that would be freed if it went.
    pub retained: u64,
    /// How many objects dominate it, itself included.
    pub depth: u32,
    /// Its number in the preorder of the tree, from 1; 0 is the root of all roots.
    pub preorder: u32,
    /// The last number of its subtree.
    pub last_descendant: u32,
}

/// A dominator tree that was kept beside a snapshot. Its numbers are not checked: whoever
/// reads them must see whether they make a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredAnalysis {
    /// By object: its number in the preorder of the tree; 0 for garbage.
    pub preorder: Vec<u32>,
    /// By object: the last number of its subtree; 0 for garbage.
    pub last_descendant: Vec<u32>,
}

/// The table by kind of a whole snapshot, kept so that showing it again reads no objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// By kind.
    pub kinds: Vec<KindSummary>,
    /// Objects that nothing keeps alive, and their bytes.
    pub garbage: (u64, u64),
    /// Objects that only native code keeps alive, and their bytes.
    pub native: (u64, u64),
    /// Bytes that the allocators hold for all objects.
    pub allocated: u64,
}

/// The live objects of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindSummary {
    /// How many there are.
    pub objects: u64,
    /// Their bytes, as `sys.getsizeof` counts them.
    pub bytes: u64,
    /// The bytes that would be freed if all of them went.
    pub retained: u64,
}
