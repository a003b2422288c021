//! Graph algorithms over the references of a snapshot.
//!
//! Objects are the vertices, numbered by [`ObjectId`](exuvia_snapshot::ObjectId), and
//! [`References`](exuvia_snapshot::References) are the edges, several between the same two
//! vertices included. Nothing here knows what an object is. Every algorithm is iterative,
//! since heaps hold linked lists of millions of nodes, and every result is immutable.
//!
//! Entry points: [`reachable`] and [`extend`] for what is alive, [`incoming`] for what is
//! referred to, [`Reversed`] for what refers to it, [`ShortestPathGraph`] for the ways from
//! the roots to some objects, [`ShortestPathTree`] for one way to each of many,
//! [`DominatorTree`] and [`RetainedSizes`] for what each object keeps alive.

mod ascending;
mod avoided;
mod bitset;
mod breadth_first;
mod dominators;
mod follow;
mod incoming;
mod ranked;
mod reachable;
mod reachable_up_to;
mod reversed;
mod shortest_path_tree;
mod shortest_paths;
mod walks;

pub use avoided::Avoided;
pub use bitset::BitSet;
pub use breadth_first::BreadthFirst;
pub use dominators::{DominatorTree, Node, RetainedSizes, StoredTree, retained_by_class};
pub use follow::Follow;
pub use incoming::incoming;
pub use ranked::RankedBitSet;
pub use reachable::{extend, reachable};
pub use reachable_up_to::reachable_up_to;
pub use reversed::{Incoming, Reversed};
pub use shortest_path_tree::{ShortestPathTree, TreeEdge};
pub use shortest_paths::{PathCount, PathEdge, ShortestPathGraph};
pub use walks::Walks;
