//! Code in a copy of a process: a clone that is made an interpreter of its own, and jailed.
//!
//! The copy has one thread of the process's, which has to have the interpreter lock before it can
//! do anything: the copy is made of the thread that holds it, which runs on in the jail until it
//! looks for pending calls, or of one that waits without it while nobody holds it. There
//! `PyOS_AfterFork_Child` makes the copy what `os.fork()` would have made.
//!
//! A lock that a thread held that is not in the copy is held for ever. So each step has a time;
//! a copy that takes longer is thrown away, and another moment is tried. That costs the process
//! the milliseconds of one more clone.

mod attempt;
mod errors;

use std::fmt;
use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use exuvia_memory::RemoteAddress;
use exuvia_tracee::{CloneStatus, ConfineError, Confined, Process, ProcessClone};

use crate::Delivery;
use crate::attach::{AttachError, Entrance, StoodStill};
use crate::entry::{interrupt, post_alarm, remember_alarm};
pub use errors::{Cause, CopyError, Failure, Step};

/// What is to be run in a copy, and within which bounds.
pub struct CopyWish<'a> {
    /// Python text that is run while the interpreter still knows of the other threads.
    pub before: &'a str,
    /// The Python code that serves on the channel, which has this number in the copy. It is the
    /// last that runs in the copy.
    pub code: &'a dyn Fn(i32) -> Delivery,
    /// How many bytes it may ask for besides what it has.
    pub memory: u64,
    /// For how long it may exist.
    pub time: Duration,
    /// For how long a moment is looked for.
    pub wait: Duration,
    /// Set when the user wants to give up.
    pub interrupt: &'a AtomicBool,
    /// Told of each copy that was thrown away.
    pub notice: &'a dyn Fn(&Failure),
}

impl fmt::Debug for CopyWish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            memory, time, wait, ..
        } = self;
        f.debug_struct("CopyWish")
            .field("memory", memory)
            .field("time", time)
            .field("wait", wait)
            .finish_non_exhaustive()
    }
}

/// A copy that runs code. Dropping it ends it.
#[derive(Debug)]
pub struct Copy {
    /// The connection with the code.
    pub stream: UnixStream,
    /// What was taken away from it.
    pub confined: Confined,
    /// For how long the process stood still, over all that were made.
    pub stood_still: StoodStill,
    /// How many were thrown away before this one.
    pub thrown_away: u32,
    /// What holds it.
    pub hold: CopyHold,
}

/// What holds a copy.
#[derive(Debug)]
pub struct CopyHold {
    clone: ProcessClone,
    entrance: Entrance,
}

impl CopyHold {
    /// The copy itself.
    pub fn clone_of_process(&self) -> &ProcessClone {
        &self.clone
    }

    /// A copy that was kept.
    pub fn of_kept(clone: ProcessClone, entrance: Entrance) -> Result<Self, CopyError> {
        let entrance = entrance.in_copy(clone.pid())?;
        Ok(Self { clone, entrance })
    }

    /// Lets it outlive this tool for so long.
    pub fn keep(&mut self, time: Duration) -> Result<(), ConfineError> {
        self.clone.keep(time)
    }

    /// What became of it.
    pub fn status(&self) -> Result<CloneStatus, ConfineError> {
        self.clone.status()
    }

    /// The server has begun, and has its [`alarm`](crate::ServingThread::alarm) there.
    pub fn begun(&self, alarm: RemoteAddress) -> Result<(), CopyError> {
        let state = self.entrance.state_while_it_runs();
        let state = state.map_err(AttachError::from)?;
        let is_true = self.entrance.symbols().is_true;
        if let Some(patch) = remember_alarm(&state, self.entrance.layout(), is_true, alarm) {
            self.clone.apply(&patch).map_err(AttachError::from)?;
        }
        Ok(())
    }

    /// Raises `KeyboardInterrupt` in the thread that serves, and lets it return from what it waits
    /// for. False when it has not noticed the last one.
    pub fn interrupt(&self) -> Result<bool, CopyError> {
        let state = self.entrance.state_while_it_runs();
        let state = state.map_err(AttachError::from)?;
        // It was the only one, and so is the main thread, as in a child of `os.fork()`.
        let Some(thread) = state.thread(state.main_thread) else {
            return Ok(false);
        };
        let layout = self.entrance.layout();
        let exception = self.entrance.keyboard_interrupt;
        let patch = interrupt(&state, layout, thread, exception);
        let is_true = self.entrance.symbols().is_true;
        let memory = &self.entrance.memory;
        let at_lock = post_alarm(memory, &state, layout, thread, is_true);
        let interrupted = self.clone.interrupt(&patch, at_lock.as_ref());
        Ok(interrupted.map_err(AttachError::from)?)
    }
}

/// Makes a copy of a process, and brings code into it; returns when that has said something, which
/// waits in the stream to be read. The process itself stands still for as long as a clone takes.
pub fn copy(process: &Process, entrance: Entrance, wish: &CopyWish<'_>) -> Result<Copy, CopyError> {
    attempt::Attempts::new(process, entrance, wish).until_one_lives()
}
