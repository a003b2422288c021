use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::super::ptrace::{self, Event, SignalInfo};
use super::super::threads::Pause;
use crate::arch::Registers;
use crate::descriptors::{Borrowing, wait_for_any};
use crate::protocol::{Child, ConfineFailure};
use crate::{CloneStatus, Pid};

/// A clone that is confined.
pub(crate) struct FreeClone {
    child: Child,
    /// How much memory of its own it may have, in bytes.
    memory: u64,
    until: Instant,
    status: CloneStatus,
}

/// How often a running clone is looked at for what can't be waited for, with a tool that uses it
/// and without.
const LOOK: Duration = Duration::from_millis(10);
const SELDOM: Duration = Duration::from_millis(200);
/// How long a clone may take to stop, on a machine that has other work.
const STOPPING: Duration = Duration::from_secs(30);
/// Threads count against limits of the user and of the cgroup, which are the live process's too.
const THREADS: u64 = 256;

impl FreeClone {
    /// A clone that may use so many bytes more than it does.
    pub(super) fn new(child: Child, more: u64, until: Instant) -> Self {
        let used = usage(child.pid).map_or(0, |usage| usage.memory);
        Self {
            child,
            memory: used.saturating_add(more),
            until,
            status: CloneStatus::Stopped,
        }
    }

    pub(crate) fn status(&self) -> CloneStatus {
        self.status
    }

    /// Lets it run.
    pub(crate) fn let_go(&mut self) -> Result<CloneStatus, ConfineFailure> {
        if self.status == CloneStatus::Stopped {
            ptrace::resume(self.child.pid.0, 0).map_err(failure)?;
            self.status = CloneStatus::Running;
        }
        Ok(self.status)
    }

    /// Stops its first thread.
    pub(crate) fn hold(&mut self) -> Result<CloneStatus, ConfineFailure> {
        if self.status != CloneStatus::Running {
            return Ok(self.status);
        }
        let tid = self.child.pid.0;
        let until = Instant::now() + STOPPING;
        while self.status == CloneStatus::Running {
            ptrace::interrupt(tid).map_err(failure)?;
            match wait_for(tid, until).map_err(failure)? {
                None => return Err(ConfineFailure::DoesNotStop),
                Some(status) if ptrace::decode(status) == Event::Stop => {
                    self.status = CloneStatus::Stopped;
                    go_on_with_call(tid).map_err(failure)?;
                }
                Some(status) => self.handle(status).map_err(failure)?,
            }
        }
        Ok(self.status)
    }

    /// Its number, in the namespace of this tool.
    pub(crate) fn pid(&self) -> Pid {
        self.child.pid
    }

    /// Sets when its time is over.
    pub(crate) fn end_at(&mut self, until: Instant) {
        self.until = until;
    }

    /// Sees to the running clone until something can be read from one of these, whose index is
    /// returned. Nothing when the clone does not run any more.
    pub(crate) fn attend(
        &mut self,
        visitors: [Option<BorrowedFd>; 2],
        target: Pid,
    ) -> io::Result<Option<usize>> {
        let end = Borrowing::from(self.child.pid).ok();
        let end_of_target = match Borrowing::from(target) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {
                if self.status == CloneStatus::Running {
                    self.end(CloneStatus::TargetEnded)?;
                }
                return Ok(None);
            }
            opened => opened.ok(),
        };
        let [first, second] = visitors;
        let pause = first.map_or(SELDOM, |_| LOOK);
        while self.status == CloneStatus::Running {
            while self.status == CloneStatus::Running
                && let Some(status) = ptrace::try_wait_raw(self.child.pid.0)?
            {
                self.handle(status)?;
            }
            if self.status != CloneStatus::Running {
                break;
            }
            if let Some(status) = self.excess() {
                self.end(status)?;
                break;
            }
            let waited = [
                end.as_ref().map(AsFd::as_fd),
                end_of_target.as_ref().map(AsFd::as_fd),
                first,
                second,
            ];
            match wait_for_any(&waited, pause)? {
                Some(1) => self.end(CloneStatus::TargetEnded)?,
                Some(visitor @ 2..) => return Ok(Some(visitor - 2)),
                _ => {}
            }
        }
        Ok(None)
    }

    fn excess(&self) -> Option<CloneStatus> {
        if Instant::now() >= self.until {
            return Some(CloneStatus::OutOfTime);
        }
        let usage = usage(self.child.pid)?;
        if usage.threads > THREADS {
            return Some(CloneStatus::TooManyThreads);
        }
        (usage.memory > self.memory).then_some(CloneStatus::TooMuchMemory)
    }

    /// Ends it, and says why.
    fn end(&mut self, status: CloneStatus) -> io::Result<()> {
        ptrace::kill(self.child.pid.0)?;
        while ptrace::wait(self.child.pid.0)? != Event::Ended {}
        self.status = status;
        Ok(())
    }

    fn handle(&mut self, status: libc::c_int) -> io::Result<()> {
        let tid = self.child.pid.0;
        let signal = match ptrace::decode(status) {
            Event::Ended => {
                self.status = ended(status);
                return Ok(());
            }
            Event::Signal(signal) => signal,
            // Somebody's SIGSTOP has no effect.
            Event::Stop | Event::SystemCall | Event::Child | Event::Exec => {
                return gone_is_fine(ptrace::resume(tid, 0));
            }
        };
        let origin = ptrace::signal_info(tid)?;
        match reaction(signal, origin, self.child) {
            Reaction::Deliver => gone_is_fine(ptrace::resume(tid, signal)),
            Reaction::Ignore => gone_is_fine(ptrace::resume(tid, 0)),
            Reaction::End => self.end(CloneStatus::Signaled(signal)),
        }
    }
}

/// What counts against limits that are the live process's as well.
struct Usage {
    threads: u64,
    /// In bytes: without files, which can be read again.
    memory: u64,
}

fn usage(clone: Pid) -> Option<Usage> {
    let process = procfs::process::Process::new(clone.0).ok()?;
    let status = process.status().ok()?;
    let memory = [status.rssanon, status.rssshmem, status.vmswap];
    let kilobytes: u64 = memory.into_iter().flatten().sum();
    Some(Usage {
        threads: status.threads,
        memory: kilobytes.saturating_mul(1024),
    })
}

/// What becomes of a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reaction {
    Deliver,
    Ignore,
    End,
}

/// Its own signals are delivered: faults, its timers, and those that it sends itself. Of others'
/// the clone takes no notice, but for a request to end.
fn reaction(signal: i32, origin: SignalInfo, child: Child) -> Reaction {
    const FAULTS: [i32; 6] = [
        libc::SIGSEGV,
        libc::SIGBUS,
        libc::SIGILL,
        libc::SIGFPE,
        libc::SIGTRAP,
        libc::SIGSYS,
    ];
    const FROM_TIMERS_AND_LIMITS: [i32; 5] = [
        libc::SIGALRM,
        libc::SIGVTALRM,
        libc::SIGPROF,
        libc::SIGXCPU,
        libc::SIGXFSZ,
    ];
    let is_from_kernel = origin.code > 0;
    let is_from_itself = [child.pid.0, child.pid_in_target].contains(&origin.sender);
    let is_from_timer = origin.code == libc::SI_TIMER;
    let is_own = is_from_itself && !is_from_kernel
        || is_from_timer
        || is_from_kernel && (FAULTS.contains(&signal) || FROM_TIMERS_AND_LIMITS.contains(&signal));
    match signal {
        _ if is_own => Reaction::Deliver,
        libc::SIGTERM => Reaction::End,
        _ => Reaction::Ignore,
    }
}

/// An interrupted call is made again, where it would fail only because of the stop.
fn go_on_with_call(tid: ptrace::Tid) -> io::Result<()> {
    let mut registers = Registers::of(tid)?;
    if registers.restart_instead_of_eintr() {
        registers.apply(tid)?;
    }
    Ok(())
}

fn ended(status: libc::c_int) -> CloneStatus {
    if libc::WIFSIGNALED(status) {
        CloneStatus::Signaled(libc::WTERMSIG(status))
    } else {
        CloneStatus::Exited(libc::WEXITSTATUS(status))
    }
}

/// It may have been killed while it stood still: its end is reported next.
fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        result => result,
    }
}

fn failure(error: io::Error) -> ConfineFailure {
    match error.raw_os_error() {
        Some(libc::ESRCH | libc::ECHILD) => ConfineFailure::Ended,
        _ => ConfineFailure::os("tracing the clone", &error),
    }
}

/// What the clone reports next; nothing when that takes too long.
fn wait_for(tid: ptrace::Tid, until: Instant) -> io::Result<Option<libc::c_int>> {
    let mut pause = Pause::new();
    loop {
        match ptrace::try_wait_raw(tid)? {
            None if Instant::now() < until => {
                pause.take();
            }
            status => return Ok(status),
        }
    }
}
