//! The algorithms against oracles, and on large graphs.

#![allow(clippy::unwrap_used)]

mod graphs;
mod large;
mod oracle;
