//! From a PID to a snapshot.

use crate::progress::Progress;
use exuvia_snapshot::{Snapshot, ValuesKept};

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A clone of the process; where that is refused, the process itself.
    Clone,
    /// The process itself, while it stands still.
    Stop,
}

/// How to capture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CaptureOptions {
    /// What is read.
    pub(crate) mode: Mode,
    /// Which contents are kept.
    pub(crate) values: ValuesKept,
}

/// Why a process was not captured.
#[derive(Debug, thiserror::Error)]
#[error("not captured")]
pub(crate) struct CaptureError;

impl CaptureError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        None
    }
}

/// Captures the heap of a process.
pub(crate) fn capture(
    _pid: i32,
    _options: &CaptureOptions,
    _progress: &Progress,
) -> Result<Snapshot, CaptureError> {
    Err(CaptureError)
}
