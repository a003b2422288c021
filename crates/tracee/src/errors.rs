//! Why a step of a capture did not happen. Each says what is the matter with the target; what
//! was begun is undone.

use std::fmt;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::access::hint_for_tracer;
use crate::protocol::{DiscardFailure, ForkFailure, StopFailure};
use crate::{AttachFacts, Obstacle, Pid, Process};

/// Why a process was not frozen. It runs on as before.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// It ended.
    #[error("process {0} ended while it was being stopped")]
    Ended(Pid),
    /// It replaced its program.
    #[error("process {0} replaced its program (exec) while it was being stopped")]
    Replaced(Pid),
    /// The kernel refused.
    #[error("not permitted to trace process {pid}: {obstacle}")]
    NotPermitted {
        /// The process.
        pid: Pid,
        /// The rule that refused, as far as it can be told.
        obstacle: Obstacle,
        /// What the rules look at.
        facts: Box<AttachFacts>,
    },
    /// A debugger is attached.
    #[error("process {pid} is already traced by {name} (process {by})")]
    Traced {
        /// The process.
        pid: Pid,
        /// Its tracer.
        by: Pid,
        /// The tracer's name.
        name: String,
    },
    /// Some threads did not stop.
    #[error("process {pid} did not stop within {deadline:?}: {}", list(threads))]
    Stuck {
        /// The process.
        pid: Pid,
        /// How long it was given.
        deadline: Duration,
        /// The threads that did not stop.
        threads: Vec<StuckThread>,
    },
    /// The caller asked to give up.
    #[error("interrupted while the process was being stopped")]
    Interrupted,
    /// A call failed in a way that has no name.
    #[error("process {pid} could not be stopped: {step} failed")]
    Os {
        /// The process.
        pid: Pid,
        /// The call.
        step: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The process that does the tracing could not be started, or is gone.
    #[error("the tracing process does not work")]
    Guardian(#[source] io::Error),
}

impl FreezeError {
    pub(crate) fn new(process: &Process, deadline: Duration, failure: StopFailure) -> Self {
        let pid = process.pid();
        match failure {
            StopFailure::Ended => Self::Ended(pid),
            StopFailure::Replaced => Self::Replaced(pid),
            StopFailure::Refused => {
                let facts = Box::new(AttachFacts::of(process));
                let obstacle = facts.obstacle();
                Self::NotPermitted {
                    pid,
                    obstacle,
                    facts,
                }
            }
            StopFailure::Traced { by, name } => Self::Traced { pid, by, name },
            StopFailure::Stuck(threads) => Self::Stuck {
                pid,
                deadline,
                threads,
            },
            StopFailure::Cancelled => Self::Interrupted,
            StopFailure::Os { step, errno } => {
                let source = io::Error::from_raw_os_error(errno);
                Self::Os { pid, step, source }
            }
        }
    }

    /// What a user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotPermitted { obstacle, .. } => Some(obstacle.hint()),
            Self::Traced { name, .. } => Some(hint_for_tracer(name)),
            Self::Stuck { .. } => Some("nothing was changed; try again when the call is over"),
            Self::Ended(_) | Self::Replaced(_) => Some("`exuvia ps` lists running Pythons"),
            Self::Os { .. } => Some("nothing was changed; try again"),
            Self::Guardian(_) => Some(NO_GUARDIAN),
            // Who asked for that knows.
            Self::Interrupted => None,
        }
    }
}

/// What to do where the process that traces is missing.
pub(crate) const NO_GUARDIAN: &str = "it could not be started, or somebody has killed it: look for a limit on processes (`ulimit \
     -u`) and for a lack of memory, and try again";

/// What to do about a filter of system calls that is in the way.
pub(crate) const FILTERED: &str = "run exuvia as root, in no container; `exuvia dump PID --mode stop` reads a process without a \
     system call in it";

/// A thread that did not stop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StuckThread {
    /// The thread.
    pub tid: Pid,
    /// Its name.
    pub name: String,
    /// The letter of its state.
    pub state: char,
    /// The function of the kernel that it waits in, where the kernel tells.
    pub wait_channel: Option<String>,
    /// What it does there.
    pub reason: StuckReason,
}

impl StuckThread {
    /// Whether it only had no time to stop: it can run and waits for nothing, or has stopped since.
    /// That happens on a machine without a free processor for so long, such as a virtual one that
    /// was paused.
    pub fn is_late(&self) -> bool {
        matches!(self.state, 'R' | 't') && self.reason == StuckReason::Unknown
    }
}

/// Why a thread can't be stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum StuckReason {
    /// It has started a program by `vfork`, and sleeps until that has begun.
    Vfork,
    /// It sleeps in the kernel, usually for a disk or a network file system.
    Uninterruptible,
    /// It is none of these.
    Unknown,
}

impl fmt::Display for StuckThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tid, name, state, ..
        } = self;
        write!(f, "thread {tid} ({name}) is in state {state}, ")?;
        match self.reason {
            StuckReason::Vfork => write!(f, "in vfork, until its child has begun its program")?,
            StuckReason::Uninterruptible => write!(f, "in an uninterruptible sleep")?,
            StuckReason::Unknown => write!(f, "for an unknown reason")?,
        }
        match &self.wait_channel {
            Some(function) => write!(f, " (in {function})"),
            None => Ok(()),
        }
    }
}

fn list(threads: &[StuckThread]) -> String {
    let texts: Vec<String> = threads.iter().take(3).map(ToString::to_string).collect();
    let more = match threads.len().saturating_sub(texts.len()) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    texts.join("; ") + &more
}

/// Why there is no clone. The target is frozen still, and can be read as it is, unless said
/// otherwise.
#[derive(Debug, thiserror::Error)]
pub enum CloneError {
    /// It has a filter of system calls that can't be suspended, and might die of the call.
    #[error(
        "the target has a seccomp filter, and suspending it needs CAP_SYS_ADMIN and a tool \
         without such a filter"
    )]
    Filtered,
    /// The clone could make the kernel end a process of the same cgroup.
    #[error(
        "the memory cgroup of the target has {} kB left, and a clone needs up to {} kB",
        available / 1024,
        needed / 1024
    )]
    NoHeadroom {
        /// Bytes below the limit.
        available: u64,
        /// Bytes for page tables, and a margin.
        needed: u64,
    },
    /// The kernel refused the call.
    #[error("the target may not make a process: {}", refusal(*errno))]
    Refused {
        /// The number of the error.
        errno: i32,
    },
    /// There is no code that makes system calls.
    #[error("the target has no instruction that makes a system call")]
    NoInstruction,
    /// Signals came in between, each time.
    #[error("the target's threads could not make the call: they were interrupted each time")]
    Interrupted,
    /// A fork of the target waits until one of its own threads has read of it.
    #[error("the target has a userfaultfd that its forks wait for")]
    Monitored,
    /// The call waited for something, so that all threads were let go. The target is not
    /// frozen any more.
    #[error(
        "the target's clone call did not end while its other threads stood still, and they \
         were let go"
    )]
    Blocked,
    /// The target was killed.
    #[error("the target ended")]
    Ended,
    /// A call of ours failed.
    #[error("{step} failed")]
    Os {
        /// What was being done.
        step: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The process that does the tracing is gone.
    #[error("the tracing process does not work")]
    Guardian(#[source] io::Error),
}

impl CloneError {
    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Filtered => FILTERED,
            Self::NoHeadroom { .. } => {
                "raise the limit of the cgroup (memory.max) for as long as the copy is needed"
            }
            Self::Refused { errno } => match *errno {
                libc::EAGAIN => "raise that limit, or free what it counts",
                libc::ENOMEM => {
                    "free memory, or let the kernel promise more (vm.overcommit_memory)"
                }
                libc::EPERM | libc::EACCES | libc::ENOSYS => FILTERED,
                _ => "try again",
            },
            Self::NoInstruction => "its program is none that exuvia knows how to copy",
            Self::Interrupted | Self::Os { .. } => "try again",
            Self::Monitored | Self::Blocked => {
                "no copy of this process can be made as long as a fork of it waits for something, \
                 such as a monitor of its memory; `exuvia dump PID --mode stop` makes none"
            }
            Self::Ended => "`exuvia ps` lists running Pythons",
            Self::Guardian(_) => NO_GUARDIAN,
        }
    }
}

impl From<ForkFailure> for CloneError {
    fn from(failure: ForkFailure) -> Self {
        match failure {
            ForkFailure::Filtered => Self::Filtered,
            ForkFailure::NoHeadroom { available, needed } => Self::NoHeadroom { available, needed },
            ForkFailure::NoInstruction => Self::NoInstruction,
            ForkFailure::Errno(errno) => Self::Refused { errno },
            ForkFailure::Interrupted => Self::Interrupted,
            ForkFailure::Monitored => Self::Monitored,
            ForkFailure::Blocked => Self::Blocked,
            ForkFailure::Ended => Self::Ended,
            ForkFailure::Os { step, errno } => Self::Os {
                step,
                source: io::Error::from_raw_os_error(errno),
            },
        }
    }
}

fn refusal(errno: i32) -> String {
    let why = match errno {
        libc::EAGAIN => "a limit on processes is reached (pids cgroup, or ulimit -u)",
        libc::ENOMEM => "the kernel has no memory for it (overcommit)",
        libc::EPERM | libc::EACCES | libc::ENOSYS => "a seccomp filter forbids it",
        _ => return io::Error::from_raw_os_error(errno).to_string(),
    };
    format!("{why}; {}", io::Error::from_raw_os_error(errno))
}

/// A clone is dead, but stays a zombie in the target.
#[derive(Debug, thiserror::Error)]
#[error("the clone (process {pid}) could not be reaped: {reason}")]
pub struct DiscardError {
    /// The clone.
    pub pid: Pid,
    /// What went wrong.
    pub reason: String,
}

impl fmt::Display for DiscardFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = |errno: &i32| io::Error::from_raw_os_error(*errno);
        match self {
            Self::Stop(StopFailure::Stuck(threads)) => {
                write!(f, "no thread of the target stops: {}", list(threads))
            }
            Self::Stop(StopFailure::Traced { by, name }) => {
                write!(f, "the target is traced by {name} (process {by}) by now")
            }
            Self::Stop(StopFailure::Os { step, errno }) => write!(f, "{step}: {}", error(errno)),
            Self::Stop(_) => write!(f, "the target can no longer be traced"),
            Self::NoInstruction => write!(f, "{}", CloneError::NoInstruction),
            Self::Filtered => write!(f, "{}", CloneError::Filtered),
            Self::Errno(errno) => write!(f, "wait4 in the target: {}", error(errno)),
            Self::NotYetDead => write!(f, "the target did not get to it"),
            Self::Os { step, errno } => write!(f, "{step}: {}", error(errno)),
        }
    }
}
