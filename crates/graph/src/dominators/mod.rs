//! Immediate dominators, and what each object keeps alive.

mod classes;
mod depth_first;
mod predecessors;
mod retained;
mod semi_nca;
mod tree;

pub use classes::retained_by_class;
pub use retained::RetainedSizes;
pub use tree::{DominatorTree, Node, StoredTree};
