//! The answers of a heap, on snapshots that are built by hand.

#![allow(clippy::unwrap_used, clippy::panic)]

mod builder;
mod classifiers;
mod comparison;
mod details;
mod dominators;
mod expression;
mod leaks;
mod memory;
mod merged;
mod neighbours;
mod partition;
mod paths;
mod pattern;
mod relations;
mod repr;
mod selection;
mod threads;
mod tree;
mod waste;
