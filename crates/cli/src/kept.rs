//! What is kept beside a snapshot, so that a second look need not compute it again.

use exuvia_query::AnalysisStore;
use exuvia_snapshot::{AnalysisRows, StoredAnalysis, Summary, WriteError};
use std::io;
use std::path::PathBuf;

/// The directory of a snapshot.
///
/// What can't be kept costs a line on stderr, and the answer is printed all the same. What was
/// kept and can't be read is computed again without a word: it is nobody's only copy.
#[derive(Debug)]
pub(crate) struct BesideSnapshot(pub(crate) PathBuf);

impl AnalysisStore for BesideSnapshot {
    fn tree(&self) -> Option<StoredAnalysis> {
        exuvia_snapshot::kept_analysis(&self.0).ok().flatten()
    }

    fn keep_rows(&self, objects: usize, rows: &dyn AnalysisRows) {
        tell(exuvia_snapshot::keep_analysis(&self.0, objects, rows));
    }

    fn summary(&self) -> Option<Summary> {
        exuvia_snapshot::kept_summary(&self.0).ok().flatten()
    }

    fn keep_summary(&self, summary: &Summary) {
        tell(exuvia_snapshot::keep_summary(&self.0, summary));
    }
}

fn tell(kept: Result<(), WriteError>) {
    match kept {
        // Snapshots of others are for reading, and a snapshot on a read-only disk as well.
        Err(WriteError::Io { source, .. }) if is_forbidden(source.kind()) => {}
        Err(error) => tell!(
            "note: the dominators are not kept beside the snapshot, and will be computed again: \
             {error}"
        ),
        Ok(()) => {}
    }
}

fn is_forbidden(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}
