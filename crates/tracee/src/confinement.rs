//! What a clone may do that runs freely, and what became of it.

use std::fmt;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::capture::lock;
use crate::errors::{FILTERED, NO_GUARDIAN};
use crate::protocol::{ConfineFailure, Reply, Request};
use crate::{InjectionError, Patch, ProcessClone};

impl ProcessClone {
    /// Makes it ready to run freely: everything that could reach anything outside is taken away
    /// or refused. Nothing of it may have run before, but for [`open_channel`](Self::open_channel).
    /// It stands still afterwards, where the cloned thread stood.
    pub fn confine(&self, bounds: &Confinement) -> Result<Confined, ConfineError> {
        match self.ask(&Request::Confine(*bounds))? {
            Reply::Confined(confined) => Ok(confined?),
            _ => Err(misunderstood()),
        }
    }

    /// Lets it run, once it is confined. The guardian sees to it meanwhile.
    pub fn let_go(&self) -> Result<CloneStatus, ConfineError> {
        self.ask_for_status(&Request::LetGo)
    }

    /// Stops its first thread where it is.
    pub fn hold(&self) -> Result<CloneStatus, ConfineError> {
        self.ask_for_status(&Request::Hold)
    }

    /// What it does. One that has ended is reaped in the target already.
    pub fn status(&self) -> Result<CloneStatus, ConfineError> {
        self.ask_for_status(&Request::Status)
    }

    /// Changes its memory while its first thread stands still, and lets that thread return early
    /// from a call that waits. Where it waits for a lock, and there is a patch for that, that one
    /// is made instead, and the wait fails with `EINTR`. False when the memory was not as expected,
    /// or the thread does not stop now.
    pub fn interrupt(
        &self,
        patch: &Patch,
        at_lock: Option<&Patch>,
    ) -> Result<bool, InjectionError> {
        let (patch, at_lock) = (patch.clone(), at_lock.cloned());
        let reply = lock(self.guardian()).ask(&Request::InterruptClone { patch, at_lock });
        match reply.map_err(InjectionError::Guardian)? {
            Reply::Interrupted(interrupted) => Ok(interrupted?),
            _ => Err(InjectionError::Guardian(io::ErrorKind::InvalidData.into())),
        }
    }

    fn ask_for_status(&self, request: &Request) -> Result<CloneStatus, ConfineError> {
        match self.ask(request)? {
            Reply::Status(status) => Ok(status?),
            _ => Err(misunderstood()),
        }
    }

    fn ask(&self, request: &Request) -> Result<Reply, ConfineError> {
        lock(self.guardian())
            .ask(request)
            .map_err(ConfineError::Guardian)
    }
}

fn misunderstood() -> ConfineError {
    ConfineError::Guardian(io::ErrorKind::InvalidData.into())
}

/// The bounds of a clone that is to run freely.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Confinement {
    /// The number of the one descriptor that it keeps: a socket, through which it is talked to.
    pub channel: i32,
    /// How many bytes it may ask for besides what it has.
    pub memory: u64,
    /// For how long it may exist, counted from now.
    pub time: Duration,
}

/// What confining a clone came to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Confined {
    /// How many inherited descriptors were replaced.
    pub replaced_descriptors: usize,
    /// How many bytes of shared memory were copied.
    pub copied_memory: u64,
    /// How many bytes of files that are shared were too much to be copied, and are mapped anew: the
    /// clone sees what the live process writes there later, unless it writes to the same page.
    pub mapped_memory: u64,
    /// How many bytes of shared memory can't be reached in the clone, since they can't be copied
    /// or are more than are copied.
    pub lost_memory: u64,
    /// Whether the clone is kept from opening pipes, terminals and devices by their paths. Linux
    /// before 5.6 can't.
    pub opens_are_checked: bool,
}

/// What a confined clone does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CloneStatus {
    /// It stands still.
    Stopped,
    /// It runs.
    Running,
    /// It ended by itself, with this exit status.
    Exited(i32),
    /// It ended by this signal: a fault of its own, or somebody's `kill`.
    Signaled(i32),
    /// It was ended when its time was over.
    OutOfTime,
    /// It was ended because the process ended that it was made of.
    TargetEnded,
    /// It was ended because it used more memory than it may. Most requests for too much fail
    /// before; this is memory that the process had asked for and never used.
    TooMuchMemory,
    /// It was ended because it had made too many threads.
    TooManyThreads,
}

impl CloneStatus {
    /// Whether the clone is no more.
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Stopped | Self::Running)
    }
}

impl fmt::Display for CloneStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("it stands still"),
            Self::Running => f.write_str("it runs"),
            Self::Exited(status) => write!(f, "it exited with status {status}"),
            Self::Signaled(signal) => write!(f, "it was ended by signal {signal}"),
            Self::OutOfTime => f.write_str("its time was over"),
            Self::TargetEnded => f.write_str("its process has ended"),
            Self::TooMuchMemory => f.write_str("it used more memory than it may"),
            Self::TooManyThreads => f.write_str("it had made too many threads"),
        }
    }
}

/// Why a clone can't be confined, or told to do something. One that is not confined does not run.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The target has a filter of system calls that can't be suspended.
    #[error("the target has a seccomp filter")]
    Filtered,
    /// The kernel has no filters of system calls.
    #[error("the kernel refuses a seccomp filter: {0}")]
    NoFilter(io::Error),
    /// A descriptor of the target is still open in the clone.
    #[error("descriptor {0} of the clone can't be replaced")]
    Descriptor(i32),
    /// There is no such socket in the clone.
    #[error("descriptor {0} of the clone is not the channel: it is not a socket")]
    Channel(i32),
    /// Shared memory of the target is still there in the clone.
    #[error("shared memory of the target at {start:#x} can't be replaced in the clone")]
    SharedMemory {
        /// Where it begins.
        start: u64,
    },
    /// It would have to be confined first.
    #[error("the clone is not confined")]
    NotConfined,
    /// It would have to be traced by somebody who outlives this tool. Where only ancestors may
    /// trace (Yama), it is the tool itself that traces.
    #[error("a copy can't outlive the tool here, since only ancestors may trace (ptrace_scope 1)")]
    NoGuardian,
    /// Nobody could find it.
    #[error("the clone can't be kept: {0}")]
    NotKept(io::Error),
    /// The clone does not stop.
    #[error("the clone does not stop")]
    DoesNotStop,
    /// The clone is gone.
    #[error("the clone has ended")]
    Ended,
    /// A call of ours failed.
    #[error("{step}: {source}")]
    Os {
        /// What was being done.
        step: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The process that does the tracing is gone.
    #[error("the tracing process does not work: {0}")]
    Guardian(io::Error),
}

impl ConfineError {
    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Filtered => FILTERED,
            Self::NoFilter(_) => {
                "a copy is jailed by seccomp: look for it in the configuration of the kernel \
                 (CONFIG_SECCOMP_FILTER) and of the container that exuvia runs in"
            }
            Self::Descriptor(_) | Self::Channel(_) | Self::SharedMemory { .. } => {
                "try again: the process may just have been changing it; nothing has run in the copy"
            }
            Self::NotConfined => {
                "it was made by another exuvia, or for another end: make a new one"
            }
            Self::NoGuardian => "run exuvia as root or with CAP_SYS_PTRACE, or leave --keep out",
            Self::NotKept(_) => {
                "somebody else may have taken the name of its socket: make another copy"
            }
            Self::DoesNotStop | Self::Os { .. } => "try again",
            Self::Ended => {
                "a copy ends with its process, by what runs in it, and at its bounds: --memory, \
                 --time"
            }
            Self::Guardian(_) => NO_GUARDIAN,
        }
    }
}

impl From<ConfineFailure> for ConfineError {
    fn from(failure: ConfineFailure) -> Self {
        match failure {
            ConfineFailure::Filtered => Self::Filtered,
            ConfineFailure::NoFilter(errno) => Self::NoFilter(io::Error::from_raw_os_error(errno)),
            ConfineFailure::Descriptor(number) => Self::Descriptor(number),
            ConfineFailure::Channel(number) => Self::Channel(number),
            ConfineFailure::SharedMemory { start } => Self::SharedMemory { start },
            ConfineFailure::NotConfined => Self::NotConfined,
            ConfineFailure::NotKept(errno) => Self::NotKept(io::Error::from_raw_os_error(errno)),
            ConfineFailure::DoesNotStop => Self::DoesNotStop,
            ConfineFailure::Ended => Self::Ended,
            ConfineFailure::Os { step, errno } => Self::Os {
                step,
                source: io::Error::from_raw_os_error(errno),
            },
        }
    }
}
