//! A heap as tables: the hinge between capture and analysis.
//!
//! [`Snapshot`] is the whole heap of one process at one moment, in columns. The walker
//! builds it; graph and query read it. It holds facts only: what is derived (reachability,
//! shortest paths, dominators) belongs to the crates above.
//!
//! On disk a snapshot is a directory of Parquet tables with a `snapshot.json`:
//! [`write()`] makes one, [`open`] reads it back. `docs/snapshot-format.md` describes every
//! table for those who read them with other tools. What analysis derives from a snapshot can be
//! kept beside it: [`keep_analysis`], [`kept_analysis`].

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
pub use read::{Overview, is_snapshot, kept_analysis, kept_overview, kept_summary, open};
pub use write::{keep_analysis, keep_summary, write};
