use std::cell::Cell;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use exuvia_tracee::{Patch, Pid, Tracer, Will};

use super::entrance::Entrance;
use super::errors::AttachError;
use super::serving::KnownThread;
use crate::entry::{Way, interrupt};

/// Code that got into a live process.
#[derive(Debug)]
pub struct Live {
    /// The connection with it.
    pub stream: UnixStream,
    /// How it got in.
    pub way: Way,
    /// How long the process stood still for it.
    pub stood_still: StoodStill,
    /// What stops it, and cleans up.
    pub grip: Grip,
}

/// For how long a process stood still.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoodStill {
    /// All in all.
    pub total: Duration,
    /// The longest time at once.
    pub longest: Duration,
    /// How often.
    pub times: u32,
}

impl StoodStill {
    pub(crate) fn add(&mut self, time: Duration) {
        self.total += time;
        self.longest = self.longest.max(time);
        self.times += 1;
    }
}

/// What holds on to a process while code runs in it.
#[derive(Debug)]
pub struct Grip {
    pub(super) tracer: Tracer,
    pub(super) entrance: Entrance,
    pub(super) pid: Pid,
    /// What wipes out the traces of how the code got in.
    pub(super) wipe: Option<Patch>,
    /// The thread that serves, once it was looked for.
    pub(super) serving: Cell<Option<KnownThread>>,
}

impl Grip {
    /// The one that holds the process.
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// The interpreter.
    pub fn entrance(&self) -> &Entrance {
        &self.entrance
    }

    /// What raises `KeyboardInterrupt` in a thread, by its `thread_id`; none when there is no
    /// such thread.
    pub fn interrupt_patch(&self, thread_id: u64) -> Result<Option<Patch>, AttachError> {
        let entrance = &self.entrance;
        let state = entrance.state_while_it_runs()?;
        let thread = state.thread(thread_id);
        Ok(thread.map(|thread| {
            interrupt(
                &state,
                &entrance.layout,
                thread,
                entrance.keyboard_interrupt,
            )
        }))
    }

    /// From now on the thread, by its `thread_id` and its number in the process, is interrupted
    /// until it has ended when this is dropped or this tool dies.
    pub fn look_after(&self, thread_id: u64, native_id: u64) -> Result<(), AttachError> {
        let (Some(patch), Some(thread)) =
            (self.interrupt_patch(thread_id)?, self.thread(native_id))
        else {
            return Ok(());
        };
        let will = Will::Interrupt { patch, thread };
        Ok(self.tracer.set_will(Some(will))?)
    }

    /// Raises `KeyboardInterrupt` in a thread of the process, by its `thread_id` and its number
    /// there, and lets it return from what it waits for. False when there is no such thread, when
    /// some thread does not stop for it now, or when it has not noticed the last one; then it still
    /// returns from what it waits for now. A thread that is just about to wait when it is
    /// interrupted notices only the next one.
    pub fn interrupt(&self, thread_id: u64, native_id: u64) -> Result<bool, AttachError> {
        let Some(patch) = self.interrupt_patch(thread_id)? else {
            return Ok(false);
        };
        let Some(thread) = self.thread(native_id) else {
            return Ok(false);
        };
        Ok(self.tracer.interrupt(&patch, thread)?)
    }

    /// Whether a thread, by its number in the process, is still there, and no zombie.
    pub fn has_thread(&self, native_id: u64) -> bool {
        self.known(native_id)
            .is_some_and(|thread| thread.is_there())
    }

    /// The number in the namespace of this tool of a thread, by that in its own.
    pub fn thread(&self, native_id: u64) -> Option<Pid> {
        let thread = self.known(native_id)?;
        thread.is_there().then_some(thread.tid)
    }

    /// It is asked for several times a second, so a process of many threads is searched only once.
    fn known(&self, native_id: u64) -> Option<KnownThread> {
        let known = self.serving.get();
        let known = known.filter(|thread| thread.native_id == native_id);
        let found = known.or_else(|| KnownThread::find(self.pid, native_id));
        self.serving.set(found);
        found
    }
}

impl Drop for Grip {
    /// Wipes out the traces of how the code got in, unless the interpreter has used the place for
    /// something else since.
    fn drop(&mut self) {
        if let Some(wipe) = self.wipe.take() {
            // A process that has ended has no traces.
            let _ = self.tracer.change(&wipe);
        }
    }
}
