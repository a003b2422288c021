//! The answers of a heap, on snapshots that are built by hand.

#![allow(clippy::unwrap_used, clippy::panic)]

mod builder;
mod details;
mod expression;
mod dominators;
mod partition;
mod paths;
mod relations;
mod repr;
mod selection;
mod tree;
