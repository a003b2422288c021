use std::io;
use std::path::{Path, PathBuf};

use super::backing::builds;
use super::identity::BuildId;

/// Why a core could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// It may not be read, or the system refused otherwise.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The core.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is something else.
    #[error("{} is no core file: it is {what}", path.display())]
    NotACore {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do with such a file.
        hint: &'static str,
    },
    /// Nothing is known of what it is.
    #[error("{} is neither a core file nor a snapshot", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// Its process ran on another kind of machine.
    #[error("{} is the core of a program for {machine}; supported is {}", path.display(), std::env::consts::ARCH)]
    OtherMachine {
        /// The core.
        path: PathBuf,
        /// That kind.
        machine: String,
    },
    /// It contradicts itself, or is cut off before memory begins.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The core.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// It is compressed, and could not be unpacked.
    #[error("cannot unpack {} into {}: {source}", path.display(), directory.display())]
    Unpack {
        /// The core.
        path: PathBuf,
        /// Where the unpacked file was made.
        directory: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The caller asked to give up.
    #[error("cancelled")]
    Cancelled,
    /// What was named as the program is none.
    #[error("{} is no program that could be read", path.display())]
    NotAProgram {
        /// What was named.
        path: PathBuf,
    },
    /// What was named as the program is another one.
    #[error(
        "{} is not the {} that the core is of: {}",
        given.display(), path.display(), builds(found.as_ref(), wanted.as_ref())
    )]
    WrongProgram {
        /// What was named.
        given: PathBuf,
        /// Its build-id.
        found: Option<BuildId>,
        /// The path of the program when it ran.
        path: PathBuf,
        /// Its build-id.
        wanted: Option<BuildId>,
    },
}

impl CoreError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        Self::Io { path, source }
    }

    pub(super) fn damaged(path: &Path, what: &'static str) -> Self {
        let path = path.to_path_buf();
        Self::Damaged { path, what }
    }

    /// What a user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("cores belong to the user whose process it was, or to root")
            }
            Self::NotACore { hint, .. } => Some(hint),
            Self::Unknown { .. } => Some(super::format::TARGETS),
            Self::Damaged { .. } => Some("copy the core again, or take another one"),
            Self::Unpack { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("set TMPDIR to a directory with more room, or unpack the core yourself")
            }
            Self::Unpack { .. } => Some("unpack the core yourself, and give the unpacked file"),
            Self::NotAProgram { .. } | Self::WrongProgram { .. } => Some(
                "--exe takes the very file that ran, not another build of the same version; \
                 `file CORE` says where it was",
            ),
            Self::OtherMachine { .. } => {
                Some("exuvia reads processes of the kind of machine that it was built for")
            }
            Self::Io { .. } | Self::Cancelled => None,
        }
    }
}
