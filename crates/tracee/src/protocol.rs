//! What the tool and its guardian say to each other: a line of JSON for each message.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    CallFailure, CloneStatus, Confined, Confinement, Patch, Pid, Routine, StuckThread, ThreadStop,
};

/// What the tool asks for. Closing the connection asks to undo everything.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) enum Request {
    /// Stop every thread, within the time.
    Freeze { deadline: Duration },
    /// Clone the stopped process.
    Fork,
    /// Clone it, from this thread if one is named, and let the threads go on unless that fails.
    ForkAndRelease { from: Option<Pid> },
    /// Let the threads go on.
    Release,
    /// Kill the clone and reap it in the target.
    Discard,
    /// Put the driver into the clone.
    PrepareDriver,
    /// Run it: from the beginning, or from where it asked for room.
    Drive { go_on: bool, limits: DriveLimits },
    /// Connect the stopped process with the tool, which gets the other end by its own way.
    OpenChannel,
    /// Give the stopped process a file without a name, with these contents.
    OpenFile { contents: Vec<u8> },
    /// Somebody in the target has taken over what was opened.
    Taken,
    /// Change the memory of the stopped process.
    Apply { patch: Patch },
    /// Let one stopped thread call functions, and all others go on.
    Call { thread: Pid, routine: Routine },
    /// Whether it has.
    HasCalled,
    /// Change the memory of the running process, and let a thread return from a call that waits.
    Interrupt { patch: Patch, thread: Option<Pid> },
    /// What is to be done to the target when the connection closes.
    SetWill { will: Option<Will> },
    /// Connect the clone with the tool, likewise.
    OpenChannelInClone,
    /// Change the memory of the clone.
    ApplyToClone { patch: Patch },
    /// Where the mark is.
    Mark,
    /// Make the clone ready to run freely.
    Confine(Confinement),
    /// Let the confined clone run.
    LetGo,
    /// Stop it again.
    Hold,
    /// Say what became of it.
    Status,
    /// Change the memory of the running clone, and let it return from a call that waits; in another
    /// way where it waits for a lock.
    InterruptClone {
        patch: Patch,
        at_lock: Option<Patch>,
    },
    /// Let the clone go on when the connection closes.
    Keep { time: Duration },
    /// Say which clone there is.
    Introduce,
    /// Hand over what the clone is talked to through, once more.
    Channel,
    /// Let the clone run until it calls the mark.
    RunClone { argument: u64, deadline: Duration },
    /// Let the clone call functions; the last one, it is let go with.
    CallInClone {
        routine: Routine,
        deadline: Duration,
    },
}

/// What is to be done to a target by the guardian when the tool is gone.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub enum Will {
    /// Take back what was asked of the target; if that is done before it is taken up, what was
    /// opened is closed as well.
    Withdraw(Patch),
    /// Interrupt what a thread does, again and again until it has ended, for half a minute.
    Interrupt {
        /// The change of memory that interrupts it.
        patch: Patch,
        /// The thread.
        thread: Pid,
    },
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
    /// The number of the descriptor in the target.
    Opened(Result<i32, InjectionFailure>),
    Applied(Result<bool, InjectionFailure>),
    /// That the calls have begun, and for how long the others stood still.
    Called(Result<Duration, InjectionFailure>),
    /// Whether they have been made.
    HasCalled(Result<bool, InjectionFailure>),
    Interrupted(Result<bool, InjectionFailure>),
    Noted,
    Mark(Option<u64>),
    CloneReady(Result<(), InjectionFailure>),
    Introduced(Option<Child>),
    Confined(Result<Confined, ConfineFailure>),
    /// What the clone does afterwards.
    Status(Result<CloneStatus, ConfineFailure>),
}

/// Why something was not done in the target or in a clone.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) enum InjectionFailure {
    NotStopped,
    NoThread(Pid),
    NoInstruction,
    NoClone,
    Filtered,
    Ended,
    Interrupted,
    /// What was called raised this signal.
    Crashed(i32),
    /// What was called returned that it failed.
    Failed,
    Replaced,
    Refused,
    Traced {
        by: Pid,
        name: String,
    },
    Os {
        step: String,
        errno: i32,
    },
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

/// Why a clone can't be confined, or told to do something.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) enum ConfineFailure {
    Filtered,
    NoFilter(i32),
    Descriptor(i32),
    Channel(i32),
    SharedMemory { start: u64 },
    NotConfined,
    NotKept(i32),
    DoesNotStop,
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

impl InjectionFailure {
    pub(crate) fn os(step: &str, error: &io::Error) -> Self {
        Self::Os {
            step: step.to_owned(),
            errno: errno(error),
        }
    }
}

impl From<StopFailure> for InjectionFailure {
    fn from(failure: StopFailure) -> Self {
        match failure {
            StopFailure::Ended => Self::Ended,
            StopFailure::Replaced => Self::Replaced,
            StopFailure::Refused => Self::Refused,
            StopFailure::Traced { by, name } => Self::Traced { by, name },
            StopFailure::Stuck(_) | StopFailure::Cancelled => Self::Interrupted,
            StopFailure::Os { step, errno } => Self::Os { step, errno },
        }
    }
}

impl ConfineFailure {
    pub(crate) fn os(step: &str, error: &io::Error) -> Self {
        Self::Os {
            step: step.to_owned(),
            errno: errno(error),
        }
    }
}

impl From<DriverFailure> for ConfineFailure {
    /// What goes wrong with single calls in a clone.
    fn from(failure: DriverFailure) -> Self {
        match failure {
            DriverFailure::Filtered => Self::Filtered,
            DriverFailure::DoesNotStop => Self::DoesNotStop,
            DriverFailure::Os { step, errno } => Self::Os { step, errno },
            _ => Self::Ended,
        }
    }
}
