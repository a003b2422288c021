//! Why a process was not captured.

use crate::error::Failure;
use exuvia_cpython::{Invalid, Layout, UnsupportedVersion, Version};
use exuvia_inject::attach::AttachError;
use exuvia_memory::Fault;
use exuvia_tracee::{
    AttachFacts, CloneError, CoreError, FreezeError, LocateError, MappingsError, MissingFile,
    Obstacle, OpenError, Process,
};
use exuvia_walker::WalkError;
use std::io::ErrorKind;

/// Why a process was not captured. It runs on as before.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("cannot attach to process {pid}: {obstacle}")]
    Access {
        pid: i32,
        obstacle: Obstacle,
        hint: &'static str,
    },
    #[error(transparent)]
    Mappings(#[from] MappingsError),
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error(
        "CPython {major}.{minor} is not supported; supported are {}",
        supported()
    )]
    OldVersion { major: u8, minor: u8 },
    #[error("the version of this Python could not be found out")]
    UnknownVersion,
    #[error(transparent)]
    Version(#[from] UnsupportedVersion),
    #[error("this CPython {version} is a debug build (--with-pydebug), which is not supported")]
    DebugBuild { version: Version },
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    #[error("process {pid} could not be cloned: {reason}")]
    Blocked { pid: i32, reason: CloneError },
    #[error(transparent)]
    Walk(#[from] WalkError),
    #[error(transparent)]
    Read(#[from] Fault),
    #[error("the clone of the process was ended from outside before it was read")]
    CloneGone,
    #[error("process {pid} has ended")]
    Ended { pid: i32 },
    #[error("this Python does not look like any that is known: {0}")]
    Layout(#[from] Invalid),
    #[error("process {pid} has a Python, but no interpreter of it runs at the moment")]
    NoInterpreter { pid: i32 },
    #[error("process {pid} has replaced itself with another program")]
    AnotherProgram { pid: i32 },
    #[error(transparent)]
    Core(#[from] CoreError),
    #[error("the core is not enough: {0}")]
    MissingFile(Box<MissingFile>),
    #[error(
        "the core is cut off: it lacks {missing} of {expected} bytes of memory, the state of the \
         interpreter among them"
    )]
    CutOff { expected: u64, missing: u64 },
    #[error("cancelled")]
    Cancelled,
    #[error(transparent)]
    Attach(#[from] AttachError),
}

impl CaptureError {
    /// Fails when the system would not let us trace the process: the reason is known before
    /// anything is touched.
    pub(super) fn check_access(process: &Process) -> Result<(), Self> {
        AttachFacts::of(process)
            .verdict()
            .map_err(|obstacle| Self::Access {
                pid: process.pid().0,
                hint: obstacle.hint(),
                obstacle,
            })
    }

    /// The same, in words for a process that has a Python inside and runs without it.
    pub(super) fn in_process(self, pid: i32) -> Self {
        match self {
            Self::Layout(Invalid::NoInterpreter) | Self::Walk(WalkError::NoInterpreter) => {
                Self::NoInterpreter { pid }
            }
            other => other,
        }
    }

    /// Why no interpreter was found.
    pub(super) fn located(error: LocateError) -> Self {
        match error {
            // Older than 3.7, as far as the names of files tell.
            LocateError::NoRuntime {
                version_hint: Some((major, minor)),
                ..
            } => Self::OldVersion { major, minor },
            other => other.into(),
        }
    }

    /// The same for the user.
    pub(crate) fn into_failure(self) -> Failure {
        let hint = self.hint();
        Failure::from_error(self).hint(hint)
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Access { hint, .. } => hint,
            Self::Freeze(error) => error.hint()?,
            Self::Open(OpenError::Zombie { .. }) => {
                "its parent has to reap it; there is nothing left to read"
            }
            Self::Open(_) | Self::Locate(LocateError::NotPython { .. }) => {
                "`exuvia ps` lists running Pythons"
            }
            Self::Locate(LocateError::Unreadable { .. }) => {
                "run exuvia as root, or in the same mount namespace as the process"
            }
            Self::Blocked { .. } => {
                "a fork of this process waits for something, such as a monitor of its memory; \
                 `exuvia dump PID --mode stop` makes none"
            }
            Self::CloneGone => "if memory is short, try `exuvia dump PID --mode stop`",
            Self::Layout(_) => "if it was just starting or ending, try again",
            Self::NoInterpreter { .. } => {
                "a program with an embedded Python starts and ends it as it likes: try again when \
                 it runs"
            }
            Self::AnotherProgram { .. } | Self::Read(_) => "try again",
            Self::OldVersion { .. } | Self::Version(_) | Self::UnknownVersion => {
                "`exuvia ps` shows the version of each running Python"
            }
            Self::DebugBuild { .. } => "run the program with an ordinary build of Python",
            Self::Locate(
                LocateError::NoRuntime { .. } | LocateError::OtherImplementation { .. },
            ) => "exuvia reads CPython only",
            Self::Mappings(error) if error.source.kind() == ErrorKind::PermissionDenied => {
                "run exuvia as root or with CAP_SYS_PTRACE, and look for a security module that \
                 protects the process"
            }
            Self::Ended { .. } => "a clone outlives the process: leave `--mode stop` out",
            Self::Core(error) => error.hint()?,
            Self::Attach(error) => error.hint()?,
            Self::MissingFile(file) if file.is_program => {
                "--exe PATH names the program that ran, --sysroot DIR the root of the files of \
                 the machine on which it ran"
            }
            Self::MissingFile(_) => {
                "--sysroot DIR names the root of the files of the machine on which it ran, or a \
                 folder with copies of them"
            }
            Self::CutOff { .. } => {
                "make room on the disk, set `ulimit -c unlimited`, and take another core"
            }
            Self::Mappings(_) | Self::Walk(_) | Self::Cancelled => return None,
        };
        Some(hint.to_owned())
    }
}

fn supported() -> String {
    let all: Vec<_> = Layout::supported()
        .map(|(version, flavor)| format!("{}.{} ({flavor})", version.major, version.minor))
        .collect();
    all.join(", ")
}
