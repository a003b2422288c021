//! What the tool and its guardian say to each other: a line of JSON for each message.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Pid, StuckThread, ThreadStop};

/// What the tool asks for. Closing the connection asks to undo everything.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) enum Request {
    /// Stop every thread, within the time.
    Freeze { deadline: Duration },
    /// Clone the stopped process.
    Fork,
    /// Clone it, and let the threads go on unless that fails.
    ForkAndRelease,
    /// Let the threads go on.
    Release,
    /// Kill the clone and reap it in the target.
    Discard,
}

/// The answer to each request.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) enum Reply {
    Frozen(Result<Vec<ThreadStop>, StopFailure>),
    Forked(Result<Child, ForkFailure>),
    ForkedAndReleased(Result<(Child, Duration), ForkFailure>),
    /// For how long the target stood still.
    Released(Duration),
    /// For how long a thread of the target stood still for it.
    Discarded(Result<Duration, DiscardFailure>),
}

/// A clone, under its two numbers.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
pub(crate) struct Child {
    /// In the namespace of this tool.
    pub(crate) pid: Pid,
    /// In the namespace of the target: what `clone` returned there.
    pub(crate) pid_in_target: i32,
}

/// Why threads were not stopped. All that were are running again.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) enum StopFailure {
    Ended,
    Replaced,
    Refused,
    Traced { by: Pid, name: String },
    Stuck(Vec<StuckThread>),
    Cancelled,
    Os { step: String, errno: i32 },
}

/// Why there is no clone.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) enum ForkFailure {
    Filtered,
    NoHeadroom { available: u64, needed: u64 },
    NoInstruction,
    Errno(i32),
    Interrupted,
    Ended,
    Os { step: String, errno: i32 },
}

/// Why a clone could not be reaped in the target.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) enum DiscardFailure {
    Stop(StopFailure),
    NoInstruction,
    Errno(i32),
    Filtered,
    NotYetDead,
    Os { step: String, errno: i32 },
}

/// The number of an error of the operating system; `EIO` for errors of other origins.
pub(crate) fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

impl StopFailure {
    pub(crate) fn os(step: &str, error: &io::Error) -> Self {
        Self::Os {
            step: step.to_owned(),
            errno: errno(error),
        }
    }
}

impl ForkFailure {
    pub(crate) fn os(step: &str, error: &io::Error) -> Self {
        Self::Os {
            step: step.to_owned(),
            errno: errno(error),
        }
    }
}

impl DiscardFailure {
    pub(crate) fn os(step: &str, error: &io::Error) -> Self {
        Self::Os {
            step: step.to_owned(),
            errno: errno(error),
        }
    }
}
