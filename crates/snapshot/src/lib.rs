//! A heap as tables: the hinge between capture and analysis.
//!
//! [`Snapshot`] is the whole heap of one process at one moment, in columns. The walker
//! builds it; graph and query read it. It holds facts only: what is derived (reachability,
//! shortest paths, dominators) belongs to the crates above.
//!
//! On disk a snapshot is a directory of Parquet tables with a `snapshot.json`:
//! [`write()`] makes one, [`open`] reads it back. `docs/snapshot-format.md` describes every
//! table for those who read them with other tools.

mod check;
mod error;
mod format;
mod labels;
mod model;
mod parallel;
mod read;
mod write;

pub use check::{Inconsistency, check};
pub use error::{OpenError, WriteError};
pub use format::VERSION;
pub use model::*;
pub use read::{is_snapshot, open};
pub use write::write;
