use std::time::{Duration, Instant};

use super::estate::Estate;
use super::free::Freedom;
use super::inject::{InjectError, Outcome, SystemCall, system_call, wait_until};
use super::jail::Jail;
use super::monitored::waits_for_itself;
use super::ptrace::{self, Event, options};
use super::site::find_system_call_instruction;
use super::threads::{Patience, Pause, Thread, Threads};
use crate::arch::{INTERRUPTED, Registers};
use crate::cgroup::{NoHeadroom, has_headroom};
use crate::protocol::{
    Child, DiscardFailure, DriveLimits, DriverFailure, DriverStop, ForkFailure, StopFailure,
    Workplace,
};
use crate::{Pid, Process, ThreadStop};

/// All that is done to one target. Dropping it leaves the target running, untraced and
/// without the clone.
pub(crate) struct Session {
    pub(super) process: Process,
    pub(super) site: Option<u64>,
    headroom: Result<(), NoHeadroom>,
    /// Its forks wait for one of its own threads.
    monitored: bool,
    pub(super) threads: Option<Threads>,
    pub(super) child: Option<Child>,
    /// The thread that the clone was made from, as it was.
    pub(super) original: Option<Original>,
    jail: Option<Jail>,
    /// What the clone needs to run freely.
    pub(super) freedom: Freedom,
    /// What was left in the target, and what is to be done about it in the end.
    pub(super) estate: Estate,
}

/// What a clone's thread was doing before it was made to clone.
pub(super) struct Original {
    pub(super) registers: Registers,
    /// The signals that it blocked.
    pub(super) mask: u64,
}

/// In how many threads, or how many times in one, a call is tried.
const TRIES: usize = 5;

/// How long a thread of the target may take to stop for the reaping. The target runs
/// meanwhile, so this can be long: until then it has a zombie.
const REAP_PATIENCE: Duration = Duration::from_secs(30);

/// How long a clone may take to report for the first time, on a machine that has other work.
const ADOPTION: Duration = Duration::from_secs(10);

impl Session {
    /// Prepares what can be prepared while the target runs.
    pub(crate) fn new(process: Process) -> Self {
        Self {
            site: find_system_call_instruction(process.pid()),
            process,
            headroom: Ok(()),
            monitored: false,
            threads: None,
            child: None,
            original: None,
            jail: None,
            freedom: Freedom::default(),
            estate: Estate::default(),
        }
    }

    /// Stops every thread.
    pub(crate) fn freeze(&mut self, patience: &Patience) -> Result<Vec<ThreadStop>, StopFailure> {
        // Looked at before the target stands still, since it takes a number of files.
        self.headroom = has_headroom(&self.process);
        self.monitored = waits_for_itself(self.process.pid());
        let threads = Threads::stop_all(&self.process, patience)?;
        let stops = threads.stopped().iter().map(describe).collect();
        self.threads = Some(threads);
        Ok(stops)
    }

    /// Clones the stopped process. It is stopped afterwards, too, but for
    /// [`ForkFailure::Blocked`].
    pub(crate) fn fork(&mut self) -> Result<Child, ForkFailure> {
        let child = self.make_child(None)?;
        adopt(child).inspect_err(|_| self.abandon())?;
        Ok(child)
    }

    /// Clones the stopped process, from this thread if one is named, and lets it go on at once.
    /// After a failure it is stopped still, but for [`ForkFailure::Blocked`]. Returns for how long
    /// it stood still, too.
    pub(crate) fn fork_and_release(
        &mut self,
        from: Option<Pid>,
    ) -> Result<(Child, Duration), ForkFailure> {
        let child = self.make_child(from)?;
        let stood_still = self.release();
        let Err(failure) = adopt(child) else {
            return Ok((child, stood_still));
        };
        // Somebody killed the child at once. The caller counts on a stopped target.
        let patience = Patience {
            until: Instant::now() + Duration::from_secs(2),
            cancelled: &|| false,
        };
        let frozen = self.freeze(&patience);
        self.abandon();
        frozen.map_err(|_| ForkFailure::Ended)?;
        Err(failure)
    }

    /// Ends a clone that is of no use. If it can't be reaped now, it is at the end.
    pub(super) fn abandon(&mut self) {
        let child = self.child;
        if self.discard().is_err() {
            self.child = child;
        }
    }

    /// Makes the child. Whatever happens then, it is known from here on, since the target has
    /// a zombie until it is reaped.
    fn make_child(&mut self, from: Option<Pid>) -> Result<Child, ForkFailure> {
        if let Err(NoHeadroom { available, needed }) = self.headroom {
            return Err(ForkFailure::NoHeadroom { available, needed });
        }
        if self.monitored {
            return Err(ForkFailure::Monitored);
        }
        let site = self.site.ok_or(ForkFailure::NoInstruction)?;
        let threads = self.threads.as_mut().ok_or(ForkFailure::Ended)?;
        // No sharing of anything, and no signal to the parent when the child ends.
        let call = SystemCall {
            number: libc::SYS_clone,
            arguments: [0; 5],
            trace_child: true,
            kept_options: 0,
        };
        let candidates = threads.stopped().iter();
        let candidates = candidates.filter(|one| from.is_none_or(|from| from.0 == one.tid));
        let candidates = candidates.cloned().collect();
        match run_in_one_of(candidates, threads, site, &call) {
            Ok((outcome, original)) => {
                self.child = outcome.child;
                self.original = Some(original);
                if outcome.late {
                    // What it has copied was changed meanwhile.
                    self.release();
                    self.abandon();
                    return Err(ForkFailure::Blocked);
                }
                outcome.child.ok_or_else(|| refusal(&outcome))
            }
            Err(Some(InjectError::WithChild(child, error))) => {
                self.child = Some(child);
                self.abandon();
                Err(fork_failure(*error))
            }
            Err(Some(error)) => Err(fork_failure(error)),
            Err(None) => Err(ForkFailure::Interrupted),
        }
    }

    /// Lets every thread go on. Returns for how long they stood still.
    pub(crate) fn release(&mut self) -> Duration {
        self.threads
            .take()
            .map(|mut threads| threads.release())
            .unwrap_or_default()
    }

    /// Puts the driver into the clone.
    pub(crate) fn prepare_driver(&mut self) -> Result<Workplace, DriverFailure> {
        let child = self.child.ok_or(DriverFailure::NoClone)?;
        let site = self.site.ok_or(DriverFailure::NoInstruction)?;
        let jail = Jail::build(child.pid, site)?;
        Ok(self.jail.insert(jail).workplace())
    }

    /// Runs the driver in the clone, until it stops.
    pub(crate) fn drive(
        &mut self,
        go_on: bool,
        limits: DriveLimits,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<DriverStop, DriverFailure> {
        let jail = self.jail.as_mut().ok_or(DriverFailure::NoClone)?;
        jail.run(go_on, limits, cancelled)
    }

    /// Kills the clone and reaps it in the target. Returns for how long a thread of the
    /// target stood still for that.
    pub(crate) fn discard(&mut self) -> Result<Duration, DiscardFailure> {
        let Some(child) = self.child.take() else {
            return Ok(Duration::ZERO);
        };
        self.jail = None;
        end(child.pid).map_err(|error| DiscardFailure::os("killing the clone", &error))?;
        if !self.process.is_alive() {
            return Ok(Duration::ZERO);
        }
        if let Some(mut threads) = self.threads.take() {
            let reaped = self.reap(child, &mut threads);
            self.threads = Some(threads);
            return reaped.map(|()| Duration::ZERO);
        }
        // The target may have replaced its program since, and its code moved.
        self.site = find_system_call_instruction(self.process.pid());
        let patience = Patience {
            until: Instant::now() + REAP_PATIENCE,
            cancelled: &|| false,
        };
        let mut thread = match Threads::stop_one(&self.process, &patience) {
            Ok(thread) => thread,
            Err(StopFailure::Ended) => return Ok(Duration::ZERO),
            Err(failure) => return Err(DiscardFailure::Stop(failure)),
        };
        let reaped = self.reap(child, &mut thread);
        let stood_still = thread.release();
        reaped.map(|()| stood_still)
    }

    fn reap(&self, child: Child, threads: &mut Threads) -> Result<(), DiscardFailure> {
        let site = self.site.ok_or(DiscardFailure::NoInstruction)?;
        let number =
            u64::try_from(child.pid_in_target).map_err(|_| DiscardFailure::Errno(libc::ECHILD))?;
        // It is dead already, so this never blocks; should it not be, the call says so.
        let call = SystemCall {
            number: libc::SYS_wait4,
            arguments: [number, 0, (libc::__WALL | libc::WNOHANG) as u64, 0, 0],
            trace_child: false,
            kept_options: 0,
        };
        for _ in 0..TRIES {
            let outcome = match run_in_some_thread(threads, site, &call) {
                Ok(outcome) => outcome,
                // The target is ending, and its children go to somebody else.
                Err(Some(InjectError::Ended)) => return Ok(()),
                Err(Some(InjectError::Os(error))) => {
                    return Err(DiscardFailure::os("making a call in the target", &error));
                }
                Err(Some(InjectError::Filtered)) => return Err(DiscardFailure::Filtered),
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
        self.settle();
        let _ = self.discard();
    }
}

/// Makes the call in the thread that suits best, or in the next one where it could not
/// be made. `None` when it was interrupted each time. A call that is late may wait for
/// another thread of the target: all others are let go then.
pub(super) fn run_in_some_thread(
    threads: &mut Threads,
    site: u64,
    call: &SystemCall,
) -> Result<Outcome, Option<InjectError>> {
    let candidates = threads.stopped().to_vec();
    run_in_one_of(candidates, threads, site, call).map(|(outcome, _)| outcome)
}

fn run_in_one_of(
    mut candidates: Vec<Thread>,
    threads: &mut Threads,
    site: u64,
    call: &SystemCall,
) -> Result<(Outcome, Original), Option<InjectError>> {
    candidates.sort_by_key(|thread| std::cmp::Reverse(thread.registers.suitability()));
    let mut last = Some(InjectError::Ended);
    for thread in candidates.iter().cycle().take(TRIES) {
        let mut when_late = || {
            threads.release_all_but(thread.tid);
        };
        match system_call(thread, site, call, &mut when_late) {
            Ok(outcome) if outcome.result == INTERRUPTED => last = None,
            Ok(outcome) => {
                let original = Original {
                    registers: thread.registers.clone(),
                    mask: outcome.mask,
                };
                return Ok((outcome, original));
            }
            // There is one child at most.
            Err(error @ (InjectError::Os(_) | InjectError::WithChild(..))) => {
                return Err(Some(error));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last)
}

/// Takes over the child of a call, which is our tracee by now.
fn adopt(Child { pid, .. }: Child) -> Result<(), ForkFailure> {
    let until = Instant::now() + ADOPTION;
    let adopted = loop {
        match wait_until(pid.0, until) {
            Ok(Some(Event::Stop)) => break ptrace::set_options(pid.0, options::KILL_WITH_TRACER),
            Ok(Some(Event::Ended)) => break Err(std::io::Error::from_raw_os_error(libc::ESRCH)),
            Ok(Some(_)) => {
                let _ = ptrace::resume(pid.0, 0);
            }
            Ok(None) => break Err(std::io::ErrorKind::TimedOut.into()),
            Err(error) => break Err(error),
        }
    };
    adopted.map_err(|error| ForkFailure::os("taking over the clone", &error))?;
    // If memory runs out, the kernel shall end the clone and not the original.
    let _ = std::fs::write(format!("/proc/{pid}/oom_score_adj"), "1000");
    Ok(())
}

fn fork_failure(error: InjectError) -> ForkFailure {
    match error {
        InjectError::Os(error) => ForkFailure::os("making a call in the target", &error),
        InjectError::Ended | InjectError::Replaced => ForkFailure::Ended,
        InjectError::Filtered => ForkFailure::Filtered,
        InjectError::Signal | InjectError::NotScheduled | InjectError::Crashed(_) => {
            ForkFailure::Interrupted
        }
        InjectError::WithChild(_, error) => fork_failure(*error),
    }
}

fn refusal(outcome: &Outcome) -> ForkFailure {
    ForkFailure::Errno(i32::try_from(-outcome.result).unwrap_or(libc::EIO))
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
        thread_pointer: thread.registers.thread_pointer(),
        arguments: thread.registers.arguments(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::process::{Child as ChildProcess, Command, Stdio};

    use super::*;

    /// A process that waits for its input, until the end of the test.
    struct Waiting(ChildProcess);

    impl Waiting {
        fn start() -> Self {
            let pipes = Command::new("cat")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn();
            let mut child = pipes.unwrap();
            // Until it answers, it may still be on its way to become this program.
            child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
            child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
            Self(child)
        }

        fn process(&self) -> Process {
            Process::open(Pid(self.0.id().cast_signed())).unwrap()
        }

        fn children(&self) -> String {
            let pid = self.0.id();
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap()
        }
    }

    impl Drop for Waiting {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn frozen(target: &Waiting) -> Session {
        let mut session = Session::new(target.process());
        let patience = Patience {
            until: Instant::now() + Duration::from_secs(20),
            cancelled: &|| false,
        };
        session.freeze(&patience).unwrap();
        session
    }

    /// As the kernel does when memory runs out.
    #[test]
    fn a_clone_that_is_killed_before_it_is_taken_over_is_reaped() {
        let target = Waiting::start();
        let mut session = frozen(&target);
        let child = session.make_child(None).unwrap();
        ptrace::kill(child.pid.0).unwrap();
        assert!(adopt(child).is_err());
        assert_ne!(target.children(), "");
        session.abandon();
        assert_eq!(target.children(), "");
        assert!(session.child.is_none());
    }

    #[test]
    fn the_end_of_a_session_reaps_a_clone_that_was_never_taken_over() {
        let target = Waiting::start();
        let mut session = frozen(&target);
        session.make_child(None).unwrap();
        session.release();
        drop(session);
        assert_eq!(target.children(), "");
        assert_eq!(target.process().tracer_pid(), None);
    }
}
