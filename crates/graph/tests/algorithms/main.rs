//! The algorithms against oracles, and on large graphs.

#![allow(clippy::unwrap_used)]

mod dominators;
mod graphs;
mod large;
mod oracle;
mod trees;
