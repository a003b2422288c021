//! A heap as tables: the hinge between capture and analysis.
//!
//! [`Snapshot`] is the whole heap of one process at one moment, in columns. The walker
//! builds it; graph and query read it. It holds facts only: what is derived (reachability,
//! shortest paths, dominators) belongs to the crates above.
//!
//! On disk a snapshot is a directory of Parquet tables with a `snapshot.json`.

mod model;

pub use model::*;
