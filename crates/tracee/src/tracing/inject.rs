use std::ffi::c_int;
use std::io;
use std::time::{Duration, Instant};

use super::filter::Filter;
use super::ptrace::{self, Event, Tid, options};
use super::threads::{Pause, Thread, thread_state};
use crate::Pid;
use crate::arch::Registers;
use crate::protocol::Child;

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
#[derive(Debug)]
pub(crate) struct Outcome {
    /// As the kernel returned it: negative numbers are errors.
    pub(crate) result: i64,
    /// The child, if the call made one that is traced.
    pub(crate) child: Option<Child>,
    /// The call took so long that somebody was told.
    pub(crate) late: bool,
    /// The signals that the thread blocks.
    pub(crate) mask: u64,
}

/// Why the call was not made. The thread is as it was, unless it is not scheduled.
#[derive(Debug)]
pub(crate) enum InjectError {
    /// A stop signal came first.
    Signal,
    /// The thread, and with it the process, is ending.
    Ended,
    /// The thread has replaced the program, and stands at the beginning of another.
    Replaced,
    /// A seccomp filter might kill the process for it.
    Filtered,
    /// The thread was not scheduled, for example by a frozen cgroup.
    NotScheduled,
    /// The code that was called raised this signal.
    Crashed(c_int),
    /// A call of ours failed.
    Os(io::Error),
    /// The call was made, and made this child, before that went wrong.
    WithChild(Child, Box<Self>),
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
///
/// Once begun, a call has to end before the thread is itself again. `when_late` is called when
/// it takes long, since what it waits for may be a thread that this tool has stopped.
pub(crate) fn system_call(
    thread: &Thread,
    site: u64,
    call: &SystemCall,
    when_late: &mut dyn FnMut(),
) -> Result<Outcome, InjectError> {
    let mut borrowed = Borrowed::borrow(
        thread,
        call.kept_options,
        call.trace_child,
        Filter::of(thread.tid),
    )?;
    let result = borrowed.run(site, call, when_late);
    let given_back = borrowed.give_back();
    let late = borrowed.late;
    let child = borrowed.child.map(|tid| Child {
        pid: Pid(tid),
        // The target is ending where there is no result, and reaps nothing any more.
        pid_in_target: match result {
            Ok(number) => i32::try_from(number).unwrap_or(tid),
            Err(_) => tid,
        },
    });
    match (given_back.and(result), child) {
        (Ok(result), child) => Ok(Outcome {
            result,
            child,
            late,
            mask: borrowed.mask,
        }),
        (Err(error), Some(child)) => Err(InjectError::WithChild(child, Box::new(error))),
        (Err(error), None) => Err(error),
    }
}

/// How long a thread may take to get from a stop to the call.
const SCHEDULING: Duration = Duration::from_secs(3);
/// How long a call may take before it is late, if it waits.
const LATE: Duration = Duration::from_secs(3);
/// How often a call that runs is looked at. All of the target stands still meanwhile.
const LOOK: Duration = Duration::from_micros(20);

/// A thread that does not hold its own registers.
pub(super) struct Borrowed<'a> {
    pub(super) thread: &'a Thread,
    mask: u64,
    /// Stopped, so that its registers can be set.
    pub(super) stopped: bool,
    /// A stop signal that was taken from it.
    signal: i32,
    /// The options that it had.
    at_rest: c_int,
    given_back: bool,
    /// What the call has made.
    child: Option<Tid>,
    late: bool,
}

impl<'a> Borrowed<'a> {
    pub(super) fn borrow(
        thread: &'a Thread,
        kept_options: c_int,
        trace_child: bool,
        filter: Filter,
    ) -> Result<Self, InjectError> {
        let tid = thread.tid;
        let mask = ptrace::signal_mask(tid)?;
        let at_rest = options::TELL_EXEC | kept_options;
        let mut wanted = at_rest | options::TELL_SYSTEM_CALLS;
        if trace_child {
            wanted |= options::TRACE_CHILDREN;
        }
        match filter {
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
            child: None,
            late: false,
        };
        // With a signal pending, clone gives up before it begins. Also, a child that inherits
        // blocked signals can't run a handler, whatever happens to it.
        ptrace::set_signal_mask(tid, u64::MAX)?;
        Ok(borrowed)
    }

    /// Makes the call, and returns its result.
    fn run(
        &mut self,
        site: u64,
        call: &SystemCall,
        when_late: &mut dyn FnMut(),
    ) -> Result<i64, InjectError> {
        let tid = self.thread.tid;
        self.thread
            .registers
            .calling(site, call.number, call.arguments)
            .apply(tid)?;
        let mut entered = false;
        loop {
            ptrace::resume_to_system_call(tid)?;
            self.stopped = false;
            let event = if entered {
                self.wait_for_the_end(when_late)?
            } else {
                wait_until(tid, Instant::now() + SCHEDULING)?.ok_or(InjectError::NotScheduled)?
            };
            self.stopped = true;
            match event {
                Event::SystemCall if entered => break,
                Event::SystemCall => entered = true,
                Event::Child => self.child = Some(ptrace::new_child(tid)?),
                // A request to stop from before: the one that froze a stopped process.
                Event::Stop => {}
                Event::Signal(signal) => {
                    self.signal = signal;
                    return Err(InjectError::Signal);
                }
                Event::Exec | Event::Ended => return Err(InjectError::Ended),
            }
        }
        Ok(Registers::of(tid)?.result())
    }

    fn wait_for_the_end(&mut self, when_late: &mut dyn FnMut()) -> io::Result<Event> {
        let tid = self.thread.tid;
        let begun = Instant::now();
        while !self.late {
            if let Some(event) = ptrace::try_wait(tid)? {
                return Ok(event);
            }
            // One that works is not waiting, be it as long as the memory is large.
            if begun.elapsed() > LATE && thread_state(Pid(tid), tid) != Some('R') {
                self.late = true;
                when_late();
            }
            std::thread::sleep(LOOK);
        }
        ptrace::wait(tid)
    }

    /// Puts the thread back into the kind of stop that it was taken from, since only on the
    /// way out of that one does the kernel restart an interrupted call.
    pub(super) fn give_back(&mut self) -> Result<(), InjectError> {
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

impl Borrowed<'_> {
    /// Leaves the thread, which is one of a clone or has begun another program, with the registers
    /// that it has now.
    pub(super) fn leave(mut self) -> Result<(), InjectError> {
        self.given_back = true;
        ptrace::set_signal_mask(self.thread.tid, self.mask)?;
        Ok(ptrace::set_options(self.thread.tid, self.at_rest)?)
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if !self.given_back {
            let _ = self.give_back();
        }
    }
}

/// What a thread reports next; nothing when that takes too long.
pub(super) fn wait_until(tid: Tid, until: Instant) -> io::Result<Option<Event>> {
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
