use std::time::{Duration, Instant};

use super::inject::{InjectError, Outcome, SystemCall, system_call};
use super::ptrace::{self, Event, options};
use super::site::find_system_call_instruction;
use super::threads::{Patience, Pause, Thread, Threads};
use crate::arch::INTERRUPTED;
use crate::capture::ThreadStop;
use crate::cgroup::{NoHeadroom, has_headroom};
use crate::protocol::{Child, DiscardFailure, ForkFailure, StopFailure};
use crate::{Pid, Process};

/// All that is done to one target. Dropping it leaves the target running, untraced and
/// without the clone.
pub(crate) struct Session {
    process: Process,
    site: Option<u64>,
    threads: Option<Threads>,
    child: Option<Child>,
}

/// In how many threads, or how many times in one, a call is tried.
const TRIES: usize = 5;

impl Session {
    /// Prepares what can be prepared while the target runs.
    pub(crate) fn new(process: Process) -> Self {
        Self {
            site: find_system_call_instruction(process.pid()),
            process,
            threads: None,
            child: None,
        }
    }

    /// Stops every thread.
    pub(crate) fn freeze(&mut self, patience: &Patience) -> Result<Vec<ThreadStop>, StopFailure> {
        let threads = Threads::stop_all(&self.process, patience)?;
        let stops = threads.stopped().iter().map(describe).collect();
        self.threads = Some(threads);
        Ok(stops)
    }

    /// Clones the stopped process.
    pub(crate) fn fork(&mut self) -> Result<Child, ForkFailure> {
        let filtered = match self.process.status().ok_or(ForkFailure::Ended)?.seccomp {
            // Strict mode knows read, write and exit, and kills for anything else.
            Some(1) => return Err(ForkFailure::StrictSeccomp),
            mode => mode == Some(2),
        };
        has_headroom(&self.process).map_err(|NoHeadroom { available, needed }| {
            ForkFailure::NoHeadroom { available, needed }
        })?;
        let site = self.site.ok_or(ForkFailure::NoInstruction)?;
        let threads = self.threads.as_ref().ok_or(ForkFailure::Ended)?;
        // No sharing of anything, and no signal to the parent when the child ends.
        let call = SystemCall {
            number: libc::SYS_clone,
            arguments: [0; 5],
            trace_child: true,
            filtered,
        };
        let outcome = run_in_some_thread(threads, site, &call).map_err(|error| match error {
            None => ForkFailure::Interrupted,
            Some(InjectError::Os(error)) => ForkFailure::os("making a call in the target", &error),
            Some(InjectError::Ended) => ForkFailure::Ended,
            Some(InjectError::Signal | InjectError::NotScheduled) => ForkFailure::Interrupted,
        })?;
        let child = adopt(outcome)?;
        self.child = Some(child);
        Ok(child)
    }

    /// Lets every thread go on. Returns for how long they stood still.
    pub(crate) fn release(&mut self) -> Duration {
        self.threads
            .take()
            .map(|mut threads| threads.release())
            .unwrap_or_default()
    }

    /// Kills the clone and reaps it in the target. Returns for how long a thread of the
    /// target stood still for that.
    pub(crate) fn discard(&mut self) -> Result<Duration, DiscardFailure> {
        let Some(child) = self.child.take() else {
            return Ok(Duration::ZERO);
        };
        end(child.pid).map_err(|error| DiscardFailure::os("killing the clone", &error))?;
        if !self.process.is_alive() {
            return Ok(Duration::ZERO);
        }
        if let Some(threads) = &self.threads {
            self.reap(child, threads)?;
            return Ok(Duration::ZERO);
        }
        // The target may have replaced its program since, and its code moved.
        self.site = find_system_call_instruction(self.process.pid());
        let patience = Patience {
            until: Instant::now() + Duration::from_secs(2),
            cancelled: &|| false,
        };
        let mut thread = match Threads::stop_one(&self.process, &patience) {
            Ok(thread) => thread,
            Err(StopFailure::Ended) => return Ok(Duration::ZERO),
            Err(failure) => return Err(DiscardFailure::Stop(failure)),
        };
        let reaped = self.reap(child, &thread);
        let stood_still = thread.release();
        reaped.map(|()| stood_still)
    }

    fn reap(&self, child: Child, threads: &Threads) -> Result<(), DiscardFailure> {
        let site = self.site.ok_or(DiscardFailure::NoInstruction)?;
        let status = self.process.status();
        let number =
            u64::try_from(child.pid_in_target).map_err(|_| DiscardFailure::Errno(libc::ECHILD))?;
        // It is dead already, so this never blocks; should it not be, the call says so.
        let call = SystemCall {
            number: libc::SYS_wait4,
            arguments: [number, 0, (libc::__WALL | libc::WNOHANG) as u64, 0, 0],
            trace_child: false,
            filtered: status.and_then(|status| status.seccomp) == Some(2),
        };
        for _ in 0..TRIES {
            let outcome = match run_in_some_thread(threads, site, &call) {
                Ok(outcome) => outcome,
                // The target is ending, and its children go to somebody else.
                Err(Some(InjectError::Ended)) => return Ok(()),
                Err(Some(InjectError::Os(error))) => {
                    return Err(DiscardFailure::os("making a call in the target", &error));
                }
                Err(_) => return Err(DiscardFailure::NotYetDead),
            };
            match i32::try_from(-outcome.result) {
                Ok(0) => std::thread::sleep(Duration::from_millis(1)),
                Ok(libc::ECHILD) => return Ok(()),
                Ok(errno) if errno > 0 => return Err(DiscardFailure::Errno(errno)),
                _ => return Ok(()),
            }
        }
        Err(DiscardFailure::NotYetDead)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.release();
        let _ = self.discard();
    }
}

/// Makes the call in the thread that suits best, or in the next one where it could not
/// be made. `None` when it was interrupted each time.
fn run_in_some_thread(
    threads: &Threads,
    site: u64,
    call: &SystemCall,
) -> Result<Outcome, Option<InjectError>> {
    let mut candidates: Vec<&Thread> = threads.stopped().iter().collect();
    candidates.sort_by_key(|thread| std::cmp::Reverse(thread.registers.suitability()));
    let mut last = Some(InjectError::Ended);
    for thread in candidates.into_iter().cycle().take(TRIES) {
        match system_call(thread, site, call) {
            Ok(outcome) if outcome.result == INTERRUPTED => last = None,
            Ok(outcome) => return Ok(outcome),
            Err(error @ InjectError::Os(_)) => return Err(Some(error)),
            Err(error) => last = Some(error),
        }
    }
    Err(last)
}

/// Takes over the child of a call, which is our tracee by now.
fn adopt(outcome: Outcome) -> Result<Child, ForkFailure> {
    let pid = match (outcome.result, outcome.child) {
        (1.., Some(pid)) => pid,
        (result, _) => {
            let errno = i32::try_from(-result).unwrap_or(libc::EIO);
            return Err(ForkFailure::Errno(errno));
        }
    };
    let child = Child {
        pid: Pid(pid),
        pid_in_target: i32::try_from(outcome.result).unwrap_or(pid),
    };
    let adopted = loop {
        match ptrace::wait(pid) {
            Ok(Event::Stop) => break ptrace::set_options(pid, options::KILL_WITH_TRACER),
            Ok(Event::Ended) => break Err(std::io::Error::from_raw_os_error(libc::ESRCH)),
            Ok(_) => {
                let _ = ptrace::resume(pid, 0);
            }
            Err(error) => break Err(error),
        }
    };
    if let Err(error) = adopted {
        let _ = end(child.pid);
        return Err(ForkFailure::os("taking over the clone", &error));
    }
    // If memory runs out, the kernel shall end the clone and not the original.
    let _ = std::fs::write(format!("/proc/{pid}/oom_score_adj"), "1000");
    Ok(child)
}

/// Kills a clone and waits for its end as its tracer.
fn end(pid: Pid) -> std::io::Result<()> {
    ptrace::kill(pid.0)?;
    let until = Instant::now() + Duration::from_secs(60);
    let mut pause = Pause::new();
    while Instant::now() < until {
        match ptrace::try_wait(pid.0) {
            Ok(Some(Event::Ended)) => return Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(()),
            Err(error) => return Err(error),
            Ok(Some(_)) => {}
            Ok(None) => {
                pause.take();
            }
        }
    }
    Err(std::io::ErrorKind::TimedOut.into())
}

fn describe(thread: &Thread) -> ThreadStop {
    ThreadStop {
        tid: Pid(thread.tid),
        system_call: thread.registers.system_call(),
        instruction_pointer: thread.registers.instruction_pointer(),
        stack_pointer: thread.registers.stack_pointer(),
    }
}
