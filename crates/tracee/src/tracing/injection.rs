//! What is done in the live target and in a clone, beside making the clone.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use super::beside::{Company, Visitor};
use super::calls::Caller;
use super::estate::Descriptor;
use super::filter::Filter;
use super::inject::{InjectError, wait_until};
use super::nudge::nudge;
use super::ptrace::{self, Event, options};
use super::run::Run;
use super::threads::{Patience, Thread, Threads, has_sleeping_thread};
use super::{Session, edit, free, passing};
use crate::arch::Registers;
use crate::descriptors::{Borrowing, take_from};
use crate::protocol::{InjectionFailure, Reply, StopFailure, Will};
use crate::{Patch, Pid, Routine};

/// How long threads may take to stop for an interrupt, on a machine with too much to do.
const PATIENCE: Duration = Duration::from_secs(3);
/// The same where one sleeps in the kernel: that may last for ever, and all others stand still
/// meanwhile.
const SLEEP: Duration = Duration::from_millis(100);

impl Session {
    /// Opens a pair of connected sockets in the stopped target. Returns the number of the
    /// target's end, and the other end, which the target has no more.
    pub(crate) fn open_channel(&mut self) -> Result<(i32, OwnedFd), InjectionFailure> {
        let pid = self.process.pid();
        let borrowing =
            Borrowing::from(pid).map_err(|error| InjectionFailure::os("pidfd_open", &error))?;
        let (threads, site) = self.stopped()?;
        let mut caller = Caller::in_target(pid, threads, site);
        let (theirs, ours) = caller.socket_pair()?;
        let taken = take_from(&borrowing, ours);
        let closed = caller.close(ours);
        let channel = Descriptor::of(pid, theirs);
        self.estate.channel = Some(channel.clone());
        self.estate.descriptors.push(channel);
        closed?;
        let taken = taken.map_err(|error| InjectionFailure::os("pidfd_getfd", &error))?;
        Ok((theirs, taken))
    }

    /// Gives the stopped target a file without a name, and returns the number under which it has
    /// it.
    pub(crate) fn open_file(&mut self, contents: &[u8]) -> Result<i32, InjectionFailure> {
        let pid = self.process.pid();
        let (threads, site) = self.stopped()?;
        let number = Caller::in_target(pid, threads, site).file_without_name(NAME)?;
        self.estate.descriptors.push(Descriptor::of(pid, number));
        let path = format!("/proc/{pid}/fd/{number}");
        let file = File::options().write(true).open(path);
        file.and_then(|file| file.write_all_at(contents, 0))
            .map_err(|error| InjectionFailure::os("writing to a file of the target", &error))?;
        Ok(number)
    }

    /// What was opened belongs to the target from now on.
    pub(crate) fn taken(&mut self) {
        self.estate.descriptors.clear();
    }

    /// Says what is to be done when nobody is there any more to say it.
    pub(crate) fn set_will(&mut self, will: Option<Will>) {
        self.estate.will = will;
    }

    /// Changes the memory of the stopped target.
    pub(crate) fn apply(&mut self, patch: &Patch) -> Result<bool, InjectionFailure> {
        self.stopped()?;
        change(patch, &open_memory(self.process.pid())?)
    }

    /// Lets a stopped thread call functions, and all others go on. The visitor is answered when
    /// that has begun, with how long they stood still, or when it can't begin.
    pub(crate) fn call(&mut self, thread: Pid, routine: &Routine, visitor: &mut dyn Visitor) {
        self.estate.called = None;
        let called = self.try_to_call(thread, routine, visitor);
        self.release();
        self.estate.called = Some(called);
    }

    fn try_to_call(
        &mut self,
        thread: Pid,
        routine: &Routine,
        visitor: &mut dyn Visitor,
    ) -> Result<(), InjectionFailure> {
        let pid = self.process.pid();
        let prepared = self.stopped().and_then(|(threads, site)| {
            let found = threads.stopped().iter().find(|one| one.tid == thread.0);
            let found = found.cloned().ok_or(InjectionFailure::NoThread(thread))?;
            Ok((found, site, open_memory(pid)?))
        });
        let (Ok((found, site, memory)), Some(threads)) = (&prepared, &mut self.threads) else {
            let failure = prepared.err().unwrap_or(InjectionFailure::NotStopped);
            visitor.answer(Reply::Called(Err(failure.clone())));
            return Err(failure);
        };
        let estate = &mut self.estate;
        let mut company = Company::new(pid, memory, threads, estate, visitor, thread.0);
        let run = Run {
            routine,
            site: *site,
            memory,
            until: None,
            filter: Filter::of(thread.0),
            kept_options: 0,
        };
        let called = run.in_thread(found, &mut company);
        let called = match called {
            Ok(results) if routine.has_succeeded(&results) => Ok(()),
            Ok(_) => Err(InjectionFailure::Failed),
            Err(error) => Err(failure("calling a function", error)),
        };
        company.end(&called);
        called
    }

    /// Whether the last calls have been made, by their end.
    pub(crate) fn has_called(&self) -> Result<bool, InjectionFailure> {
        match &self.estate.called {
            Some(called) => called.clone().map(|()| true),
            None => Ok(false),
        }
    }

    /// Stops the running target, changes its memory, and lets a thread return early from a call
    /// that waits. False when the memory was not as expected, or some thread does not stop now. Where
    /// the change was made before, only the thread is stopped, to return early from the call that it
    /// waits in now.
    pub(crate) fn interrupt(
        &mut self,
        patch: &Patch,
        thread: Option<Pid>,
    ) -> Result<bool, InjectionFailure> {
        // A thread that does not notice is interrupted again and again. Nobody else is stopped for
        // that: after a stop, `epoll_wait` begins again with its whole timeout, so that in a process
        // which is stopped often the time of no timer would ever come.
        let memory = open_memory(self.process.pid())?;
        if !edit::is_as_expected(patch, &memory) {
            if let Some(thread) = thread
                && edit::is_made(patch, &memory)
            {
                self.nudge_again(thread)?;
            }
            return Ok(false);
        }
        passing::in_passing(|| self.interrupt_here(patch, thread))
    }

    fn interrupt_here(
        &mut self,
        patch: &Patch,
        thread: Option<Pid>,
    ) -> Result<bool, InjectionFailure> {
        let (pid, asked) = (self.process.pid(), Instant::now());
        let patience = Patience {
            until: asked + PATIENCE,
            cancelled: &|| asked.elapsed() > SLEEP && has_sleeping_thread(pid),
        };
        match self.freeze(&patience) {
            Ok(_) => {}
            // Nothing was changed; whoever still wants it asks again.
            Err(StopFailure::Stuck(_) | StopFailure::Cancelled) => return Ok(false),
            Err(failure) => return Err(failure.into()),
        }
        let applied = match thread {
            Some(_) if !self.estate.is_served(self.process.pid()) => Ok(false),
            _ => self.apply(patch),
        };
        if let (Ok(true), Some(thread)) = (&applied, thread) {
            self.nudge(thread);
        }
        self.release();
        applied
    }

    /// A thread that was on its way into a call when it was interrupted has not noticed that, and
    /// waits there.
    fn nudge_again(&mut self, thread: Pid) -> Result<(), InjectionFailure> {
        if !self.estate.is_served(self.process.pid()) {
            return Ok(());
        }
        passing::in_passing(|| {
            let patience = Patience {
                until: Instant::now() + PATIENCE,
                cancelled: &|| false,
            };
            match Threads::stop_sleeper(&self.process, thread, &patience) {
                Ok(threads) => self.threads = Some(threads),
                // It does not stop now; whoever still wants it asks again.
                Err(StopFailure::Stuck(_) | StopFailure::Cancelled) => return Ok(()),
                Err(failure) => return Err(failure.into()),
            }
            self.nudge(thread);
            self.release();
            Ok(())
        })
    }

    fn nudge(&mut self, thread: Pid) {
        let channel = self.estate.channel_number();
        let threads = self.threads.iter().flat_map(|threads| threads.stopped());
        for Thread { tid, registers } in threads.filter(|one| one.tid == thread.0) {
            nudge(*tid, registers, channel);
        }
    }

    /// Opens a pair of connected sockets in the clone, whose thread is put back to where it was in
    /// the target. Returns what [`open_channel`](Self::open_channel) returns.
    pub(crate) fn open_channel_in_clone(&mut self) -> Result<(i32, OwnedFd), InjectionFailure> {
        let clone = self.child.ok_or(InjectionFailure::NoClone)?.pid;
        let site = self.site.ok_or(InjectionFailure::NoInstruction)?;
        let original = self.original.as_ref().ok_or(InjectionFailure::NoClone)?;
        let os = |error: io::Error| InjectionFailure::os("putting the clone back", &error);
        original.registers.apply(clone.0).map_err(os)?;
        ptrace::set_signal_mask(clone.0, original.mask).map_err(os)?;
        free::make_room_for_descriptors(clone);
        let mut caller = Caller::in_clone(clone, original.registers.clone(), site);
        let borrowing = Borrowing::from(clone);
        let borrowing = borrowing.map_err(|error| InjectionFailure::os("pidfd_open", &error))?;
        let (theirs, ours) = caller.socket_pair()?;
        let taken = take_from(&borrowing, ours);
        caller.close(ours)?;
        let taken = taken.map_err(|error| InjectionFailure::os("pidfd_getfd", &error))?;
        self.freedom.channel = Some((theirs, taken));
        self.channel_of_clone()
    }

    /// Changes the memory of the clone.
    pub(crate) fn apply_to_clone(&mut self, patch: &Patch) -> Result<bool, InjectionFailure> {
        let child = self.child.ok_or(InjectionFailure::NoClone)?;
        change(patch, &open_memory(child.pid)?)
    }

    /// An instruction that makes a system call, and as a function does nothing but that.
    pub(crate) fn mark(&self) -> Option<u64> {
        self.site
    }

    /// Lets the clone go on with what its thread was doing, until it calls the mark with this
    /// argument.
    pub(crate) fn run_clone(
        &mut self,
        argument: u64,
        deadline: Duration,
    ) -> Result<(), InjectionFailure> {
        let child = self.child.ok_or(InjectionFailure::NoClone)?;
        let site = self.site.ok_or(InjectionFailure::NoInstruction)?;
        run_to_call(child.pid, site, argument, Instant::now() + deadline)
            .map_err(|error| failure("letting the clone run", error))
    }

    /// Lets the clone make calls; the last one is about to begin then.
    pub(crate) fn call_in_clone(
        &mut self,
        routine: &Routine,
        deadline: Duration,
    ) -> Result<(), InjectionFailure> {
        let child = self.child.ok_or(InjectionFailure::NoClone)?;
        let site = self.site.ok_or(InjectionFailure::NoInstruction)?;
        let memory = open_memory(child.pid)?;
        let registers = Registers::of(child.pid.0)
            .map_err(|error| InjectionFailure::os("reading the clone's registers", &error))?;
        let thread = Thread {
            tid: child.pid.0,
            registers,
        };
        let run = Run {
            routine,
            site,
            memory: &memory,
            until: Some(Instant::now() + deadline),
            filter: match self.freedom.clone {
                Some(_) => Filter::None,
                None => Filter::of(child.pid.0),
            },
            kept_options: options::KILL_WITH_TRACER,
        };
        run.but_the_last(&thread)
            .map_err(|error| failure("calling a function in the clone", error))
    }

    fn stopped(&mut self) -> Result<(&mut Threads, u64), InjectionFailure> {
        let site = self.site.ok_or(InjectionFailure::NoInstruction)?;
        let threads = self.threads.as_mut().ok_or(InjectionFailure::NotStopped)?;
        Ok((threads, site))
    }
}

/// The name of files without a name, as `/proc/PID/fd` shows it.
const NAME: &[u8] = b"exuvia\0";

pub(super) fn change(patch: &Patch, memory: &File) -> Result<bool, InjectionFailure> {
    edit::apply(patch, memory).map_err(|error| InjectionFailure::os("changing the memory", &error))
}

pub(super) fn open_memory(pid: Pid) -> Result<File, InjectionFailure> {
    edit::open_memory(pid).map_err(|error| InjectionFailure::os("opening the memory", &error))
}

fn run_to_call(clone: Pid, site: u64, argument: u64, until: Instant) -> Result<(), InjectError> {
    let tid = clone.0;
    ptrace::set_options(tid, options::KILL_WITH_TRACER | options::TELL_SYSTEM_CALLS)?;
    loop {
        ptrace::resume_to_system_call(tid)?;
        match wait_until(tid, until)?.ok_or(InjectError::NotScheduled)? {
            Event::SystemCall => {
                let registers = Registers::of(tid)?;
                if registers.called(site) == Some(argument) {
                    registers.without_system_call().apply(tid)?;
                    ptrace::resume_to_system_call(tid)?;
                    wait_until(tid, until)?.ok_or(InjectError::NotScheduled)?;
                    return Ok(());
                }
            }
            Event::Signal(signal) if super::jail::FAULTS.contains(&signal) => {
                return Err(InjectError::Crashed(signal));
            }
            // Meant for all of the target's group; it has no effect here.
            Event::Signal(_) | Event::Stop | Event::Child => {}
            Event::Exec | Event::Ended => return Err(InjectError::Ended),
        }
    }
}

pub(super) fn failure(step: &str, error: InjectError) -> InjectionFailure {
    match error {
        InjectError::Ended | InjectError::Replaced => InjectionFailure::Ended,
        InjectError::Filtered => InjectionFailure::Filtered,
        InjectError::Signal | InjectError::NotScheduled => InjectionFailure::Interrupted,
        InjectError::Crashed(signal) => InjectionFailure::Crashed(signal),
        InjectError::Os(error) => InjectionFailure::os(step, &error),
        InjectError::WithChild(_, error) => failure(step, *error),
    }
}
