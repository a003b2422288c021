//! What the tool and its guardian say to each other: a line of JSON for each message.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{CallFailure, Pid, StuckThread, ThreadStop};

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
    /// Put the driver into the clone.
    PrepareDriver,
    /// Run it: from the beginning, or from where it asked for room.
    Drive { go_on: bool, limits: DriveLimits },
}

/// How long the driver may run.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
pub(crate) struct DriveLimits {
    /// How much of a processor one call may take.
    pub(crate) call: Duration,
    /// After what time it is stopped, whatever it does.
    pub(crate) total: Duration,
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
    DriverPrepared(Result<Workplace, DriverFailure>),
    Drove(Result<DriverStop, DriverFailure>),
}

/// A clone, under its two numbers.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
pub(crate) struct Child {
    /// In the namespace of this tool.
    pub(crate) pid: Pid,
    /// In the namespace of the target: what `clone` returned there.
    pub(crate) pid_in_target: i32,
}

/// Where the driver and the tool meet: addresses in the clone.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
pub(crate) struct Workplace {
    pub(crate) header: u64,
    pub(crate) items: u64,
    pub(crate) ends: u64,
    pub(crate) referents: u64,
    /// How many items there is room for.
    pub(crate) calls: u64,
    /// How many referents there is room for.
    pub(crate) capacity: u64,
}

/// Why the driver stands still.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
pub(crate) enum DriverStop {
    /// All calls are made.
    Finished,
    /// It has no room for another referent.
    Full,
    /// The current call did not come back.
    Failed(CallFailure),
    /// All calls together took too long.
    OutOfTime,
}

/// Why the driver can't be run, or no longer.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) enum DriverFailure {
    NoClone,
    NoInstruction,
    Filtered,
    SharedMemory,
    NoEmulation,
    DoesNotStop,
    Cancelled,
    Ended,
    Os { step: String, errno: i32 },
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
    NoHeadroom {
        available: u64,
        needed: u64,
    },
    NoInstruction,
    Errno(i32),
    Interrupted,
    /// The target would wait for itself.
    Monitored,
    /// The call ended late. The threads are running again.
    Blocked,
    Ended,
    Os {
        step: String,
        errno: i32,
    },
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

impl DriverFailure {
    pub(crate) fn os(step: &str, error: &io::Error) -> Self {
        Self::Os {
            step: step.to_owned(),
            errno: errno(error),
        }
    }
}
