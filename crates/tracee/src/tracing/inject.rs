use std::ffi::c_int;
use std::io;
use std::time::{Duration, Instant};

use super::filter::Filter;
use super::ptrace::{self, Event, Tid, options};
use super::threads::{Pause, Thread};
use crate::arch::Registers;

/// A system call to be made by a thread of the target.
pub(crate) struct SystemCall {
    pub(crate) number: i64,
    pub(crate) arguments: [u64; 5],
    /// Take a child that the call makes as a tracee.
    pub(crate) trace_child: bool,
    /// Options of the tracing that the thread has besides, and keeps.
    pub(crate) kept_options: c_int,
}

/// What came of it.
pub(crate) struct Outcome {
    /// As the kernel returned it: negative numbers are errors.
    pub(crate) result: i64,
    /// The child, in the namespace of this tool.
    pub(crate) child: Option<Tid>,
}

/// Why the call was not made. The thread is as it was.
#[derive(Debug)]
pub(crate) enum InjectError {
    /// A stop signal came first.
    Signal,
    /// The thread, and with it the process, is ending.
    Ended,
    /// A seccomp filter might kill the process for it.
    Filtered,
    /// The thread was not scheduled, for example by a frozen cgroup.
    NotScheduled,
    /// A call of ours failed.
    Os(io::Error),
}

impl From<io::Error> for InjectError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ESRCH | libc::ECHILD) => Self::Ended,
            _ => Self::Os(error),
        }
    }
}

/// Makes a stopped thread run one system call by the instruction at `site`, and puts back its
/// registers, its signal mask, and the call that it was in.
///
/// The stops at the entry and at the exit of the call do the work, not single steps: a step
/// ends in a `SIGTRAP`, and the kernel resets the handling of that signal where the target
/// blocks or ignores it.
pub(crate) fn system_call(
    thread: &Thread,
    site: u64,
    call: &SystemCall,
) -> Result<Outcome, InjectError> {
    let mut borrowed = Borrowed::borrow(thread, call)?;
    let outcome = borrowed.run(site, call);
    let given_back = borrowed.give_back();
    if given_back.is_err()
        && let Ok(Outcome {
            child: Some(child), ..
        }) = outcome
    {
        // Nobody would ever ask for it.
        let _ = ptrace::kill(child);
    }
    given_back.and(outcome)
}

/// How long a thread may take to get from a stop to the call.
const SCHEDULING: Duration = Duration::from_secs(1);

/// A thread that does not hold its own registers.
struct Borrowed<'a> {
    thread: &'a Thread,
    mask: u64,
    /// Stopped, so that its registers can be set.
    stopped: bool,
    /// A stop signal that was taken from it.
    signal: i32,
    /// The options that it had.
    at_rest: c_int,
    given_back: bool,
}

impl<'a> Borrowed<'a> {
    fn borrow(thread: &'a Thread, call: &SystemCall) -> Result<Self, InjectError> {
        let tid = thread.tid;
        let mask = ptrace::signal_mask(tid)?;
        let at_rest = options::TELL_EXEC | call.kept_options;
        let mut wanted = at_rest | options::TELL_SYSTEM_CALLS;
        if call.trace_child {
            wanted |= options::TRACE_CHILDREN;
        }
        match Filter::of(tid) {
            Filter::None | Filter::Shared => ptrace::set_options(tid, wanted)?,
            Filter::Suspend => ptrace::set_options(tid, wanted | options::SUSPEND_SECCOMP)
                .map_err(|_| InjectError::Filtered)?,
            Filter::Strict => return Err(InjectError::Filtered),
        }
        let borrowed = Self {
            thread,
            mask,
            stopped: true,
            signal: 0,
            at_rest,
            given_back: false,
        };
        // With a signal pending, clone gives up before it begins. Also, a child that inherits
        // blocked signals can't run a handler, whatever happens to it.
        ptrace::set_signal_mask(tid, u64::MAX)?;
        Ok(borrowed)
    }

    fn run(&mut self, site: u64, call: &SystemCall) -> Result<Outcome, InjectError> {
        let tid = self.thread.tid;
        self.thread
            .registers
            .calling(site, call.number, call.arguments)
            .apply(tid)?;
        let mut child = None;
        let mut entered = false;
        loop {
            ptrace::resume_to_system_call(tid)?;
            self.stopped = false;
            let event = if entered {
                ptrace::wait(tid)?
            } else {
                wait_until(tid, Instant::now() + SCHEDULING)?.ok_or(InjectError::NotScheduled)?
            };
            self.stopped = true;
            match event {
                Event::SystemCall if entered => break,
                Event::SystemCall => entered = true,
                Event::Child => child = Some(ptrace::new_child(tid)?),
                // A request to stop from before: the one that froze a stopped process.
                Event::Stop => {}
                Event::Signal(signal) => {
                    self.signal = signal;
                    return Err(InjectError::Signal);
                }
                Event::Exec | Event::Ended => return Err(InjectError::Ended),
            }
        }
        let result = Registers::of(tid)?.result();
        Ok(Outcome { result, child })
    }

    /// Puts the thread back into the kind of stop that it was taken from, since only on the
    /// way out of that one does the kernel restart an interrupted call.
    fn give_back(&mut self) -> Result<(), InjectError> {
        self.given_back = true;
        let tid = self.thread.tid;
        if !self.stopped {
            ptrace::interrupt(tid)?;
            wait_until(tid, Instant::now() + SCHEDULING)?.ok_or(InjectError::NotScheduled)?;
        }
        // As early as possible, and again below: the way out of a call overwrites a
        // register on aarch64.
        self.thread.registers.apply(tid)?;
        ptrace::set_signal_mask(tid, self.mask)?;
        ptrace::set_options(tid, self.at_rest)?;
        let mut signal = std::mem::take(&mut self.signal);
        loop {
            ptrace::interrupt(tid)?;
            ptrace::resume(tid, signal)?;
            match wait_until(tid, Instant::now() + SCHEDULING)? {
                Some(Event::Stop) => break,
                Some(Event::Signal(other)) => signal = other,
                Some(Event::Exec | Event::Ended) => return Err(InjectError::Ended),
                Some(Event::SystemCall | Event::Child) => signal = 0,
                None => return Err(InjectError::NotScheduled),
            }
        }
        self.thread.registers.apply(tid)?;
        Ok(())
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if !self.given_back {
            let _ = self.give_back();
        }
    }
}

fn wait_until(tid: Tid, until: Instant) -> io::Result<Option<Event>> {
    let mut pause = Pause::new();
    loop {
        match ptrace::try_wait(tid)? {
            None if Instant::now() < until => {
                pause.take();
            }
            event => return Ok(event),
        }
    }
}
