use crate::{Inconsistency, VERSION};
use std::io;
use std::path::{Path, PathBuf};

/// Why a snapshot could not be written. Nothing of it stays behind.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something of that name is there already; it was not touched.
    #[error("{} exists already", path.display())]
    Exists {
        /// Where the snapshot was to go.
        path: PathBuf,
    },
    /// The path has no last component, such as `/` or `..`.
    #[error("{} is not a name for a snapshot", path.display())]
    NoName {
        /// Where the snapshot was to go.
        path: PathBuf,
    },
    /// The system refused: no such parent, not permitted, disk full.
    #[error("can't write {}: {source}", path.display())]
    Io {
        /// What was being made: the parent, a file of the snapshot or the snapshot itself.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was derived from a snapshot is of none that can be read.
    #[error("{reason}")]
    Unreadable {
        /// What is wrong with the snapshot.
        reason: String,
    },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The tables contradict each other; such a snapshot could not be opened again.
    #[error("the snapshot contradicts itself: {0}")]
    Inconsistent(#[from] Inconsistency),
    /// The Parquet writer refused the data.
    #[error("can't encode {}: {reason}", path.display())]
    Encode {
        /// The file that was being made.
        path: PathBuf,
        /// What the Parquet writer said.
        reason: String,
    },
}

impl WriteError {
    /// What to do about it, in one line.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists { .. } => Some("remove it or choose another name"),
            Self::NoName { .. } => Some("give the snapshot a name, such as heap.exuvia"),
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                    Some("the directory in which the snapshot goes must be there")
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some("choose a directory that you may write to")
                }
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => {
                    Some("make room, choose another directory, or keep fewer values")
                }
                _ => None,
            },
            Self::Inconsistent(_) | Self::Encode { .. } => {
                Some("this is a mistake in exuvia; please report it")
            }
            Self::Unreadable { .. } | Self::Cancelled => None,
        }
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// Why a snapshot could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing is there.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// The snapshot.
        path: PathBuf,
    },
    /// Something is there, but it is no snapshot.
    #[error("{} is not a snapshot: {reason}", path.display())]
    NotASnapshot {
        /// What was to be opened.
        path: PathBuf,
        /// What a snapshot has and this has not.
        reason: &'static str,
    },
    /// The snapshot, or a file of it, may not be read.
    #[error("{}: permission denied", path.display())]
    PermissionDenied {
        /// The directory or file.
        path: PathBuf,
    },
    /// A later version of exuvia wrote it.
    #[error(
        "{} has format version {found}; this exuvia reads versions up to {VERSION}",
        path.display()
    )]
    Newer {
        /// The snapshot.
        path: PathBuf,
        /// Its format version.
        found: u64,
    },
    /// A file of the snapshot is missing, cut off, or not as it was written.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Every file is readable, but the tables contradict each other.
    #[error("{} contradicts itself: {inconsistency}", path.display())]
    Inconsistent {
        /// The snapshot.
        path: PathBuf,
        /// Where and how.
        inconsistency: Inconsistency,
    },
    /// The system refused for another reason.
    #[error("can't read {}: {source}", path.display())]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl OpenError {
    /// What to do about it, in one line.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { .. } => Some("check the path; `exuvia dump PID` makes a snapshot"),
            Self::NotASnapshot { .. } => {
                Some("name the directory that `exuvia dump` made, such as heap.exuvia")
            }
            Self::PermissionDenied { .. } => {
                Some("only the user who made a snapshot may read it: a heap holds secrets")
            }
            Self::Newer { .. } => Some("open it with the version of exuvia that made it"),
            Self::Damaged { .. } => Some("copy the snapshot again, or make a new one"),
            Self::Inconsistent { .. } => Some("make a new snapshot"),
            Self::Io { .. } => None,
        }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    /// A failure to read a file or directory that is known to be part of a snapshot.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::damaged(path, "it is missing"),
            io::ErrorKind::PermissionDenied => Self::PermissionDenied {
                path: path.to_owned(),
            },
            _ => Self::Io {
                path: path.to_owned(),
                source,
            },
        }
    }
}
