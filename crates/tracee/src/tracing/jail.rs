//! Running code within a clone, so that nothing of it can get out.
//!
//! No system call that the code attempts is made (`PTRACE_SYSEMU`), memory that other
//! processes share can't be written, every signal that the code raises ends in a stop, and a
//! call that does not come back is stopped. What the code does to the clone's own memory nobody
//! else ever sees.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use procfs::process::Process as ProcDirectory;

use super::inject::{InjectError, SystemCall, system_call};
use super::ptrace::{self, Event, Tid, options};
use super::threads::{Pause, Thread};
use crate::arch::Registers;
use crate::driver::{self, Header, Item};
use crate::protocol::{DriveLimits, DriverFailure, DriverStop, Workplace};
use crate::{CallFailure, Mapping, Mappings, Pid};

/// How long a call may take in all: a machine can be busy, and a page may have to come from a
/// disk.
const CALL_TIME: Duration = Duration::from_secs(30);
/// How often the time of a call is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long a clone may take to stop, on a machine that has other work.
const STOPPING: Duration = Duration::from_secs(30);

/// How many calls the list has room for, and how many referents.
const CALLS: u64 = 1 << 15;
const REFERENTS: u64 = 1 << 20;
const STACK: u64 = 8 << 20;
/// Before the stack, never mapped for use.
const GUARD: u64 = 64 << 10;
const PAGE: u64 = 4096;
/// More shared mappings than this can't be protected in a reasonable time.
const MAX_SHARED: usize = 4096;

/// What a tracer of a clone sets: no clone shall outlive it.
const OPTIONS: i32 = options::KILL_WITH_TRACER | options::TELL_SYSTEM_CALLS;

/// A clone that is ready to run the driver.
pub(crate) struct Jail {
    pid: Tid,
    mem: File,
    /// As the clone was when it was made.
    registers: Registers,
    code: u64,
    stack_end: u64,
    workplace: Workplace,
    /// Of the call that asked for room, which goes on with what time it has left.
    watch: Option<Watch>,
}

impl Jail {
    /// Prepares a stopped clone, which has an instruction for system calls at `site`.
    pub(crate) fn build(clone: Pid, site: u64) -> Result<Self, DriverFailure> {
        let mem = File::options()
            .read(true)
            .write(true)
            .open(format!("/proc/{clone}/mem"))
            .map_err(|error| DriverFailure::os("opening the clone's memory", &error))?;
        let registers = Registers::of(clone.0)
            .map_err(|error| DriverFailure::os("reading the clone's registers", &error))?;
        let caller = Caller {
            thread: Thread {
                tid: clone.0,
                registers: registers.clone(),
            },
            site,
        };
        caller.protect_shared_memory(clone)?;
        let code = caller.map_code(&mem, driver::code())?;
        let base = caller.map(GUARD + STACK + workplace_size())?;
        caller.protect(base, GUARD, libc::PROT_NONE)?;
        let stack_end = base + GUARD + STACK;
        // The injected calls have left other options.
        ptrace::set_options(clone.0, OPTIONS)
            .map_err(|error| DriverFailure::os("PTRACE_SETOPTIONS", &error))?;
        Ok(Self {
            pid: clone.0,
            mem,
            registers,
            code,
            stack_end,
            workplace: workplace_at(stack_end),
            watch: None,
        })
    }

    /// Where the driver finds its work.
    pub(crate) fn workplace(&self) -> Workplace {
        self.workplace
    }

    /// Runs the driver from its beginning, or from where it asked for room, until something
    /// stops it.
    pub(crate) fn run(
        &mut self,
        go_on: bool,
        limits: DriveLimits,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<DriverStop, DriverFailure> {
        let mut watch = match self.watch.take().filter(|_| go_on) {
            Some(watch) => watch.go_on(),
            None => Watch::begin(self, limits.call),
        };
        let until = Instant::now() + limits.total;
        if !go_on {
            self.registers
                .entering(self.code, self.workplace.header, self.stack_end)
                .apply(self.pid)
                .map_err(|error| DriverFailure::os("setting the clone's registers", &error))?;
        }
        loop {
            self.resume()?;
            match self.wait(&mut watch, until, cancelled)? {
                Stopped::By(event) => {
                    if let Some(stop) = self.interpret(event)? {
                        self.watch = Some(watch);
                        return Ok(stop);
                    }
                }
                Stopped::TooLong => return Ok(DriverStop::Failed(CallFailure::Hang)),
                Stopped::OutOfTime => return Ok(DriverStop::OutOfTime),
            }
        }
    }

    fn resume(&self) -> Result<(), DriverFailure> {
        ptrace::resume_without_system_calls(self.pid).map_err(|error| match error.raw_os_error() {
            Some(libc::EIO) => DriverFailure::NoEmulation,
            _ => DriverFailure::os("PTRACE_SYSEMU", &error),
        })
    }

    /// What a stop means; nothing when the clone just goes on.
    fn interpret(&self, event: Event) -> Result<Option<DriverStop>, DriverFailure> {
        let registers = || {
            Registers::of(self.pid)
                .map_err(|error| DriverFailure::os("reading the clone's registers", &error))
        };
        Ok(match event {
            Event::Ended => return Err(DriverFailure::Ended),
            Event::SystemCall => {
                let number = registers()?.system_call().unwrap_or(-1);
                Some(DriverStop::Failed(CallFailure::SystemCall(number)))
            }
            Event::Signal(libc::SIGTRAP) => {
                let registers = registers()?;
                let at = registers.trap().wrapping_sub(self.code);
                if at == driver::done() {
                    return Ok(Some(DriverStop::Finished));
                }
                if at != driver::full() {
                    return Ok(Some(DriverStop::Failed(CallFailure::Signal(libc::SIGTRAP))));
                }
                registers
                    .behind_trap()
                    .apply(self.pid)
                    .map_err(|error| DriverFailure::os("setting the clone's registers", &error))?;
                Some(DriverStop::Full)
            }
            Event::Signal(signal) if FAULTS.contains(&signal) => {
                Some(DriverStop::Failed(CallFailure::Signal(signal)))
            }
            // Somebody sent it to all of the target's group; it has no effect here.
            Event::Signal(_) | Event::Stop | Event::Exec | Event::Child => None,
        })
    }

    fn wait(
        &self,
        watch: &mut Watch,
        until: Instant,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Stopped, DriverFailure> {
        let mut pause = Pause::new();
        loop {
            let event = ptrace::try_wait(self.pid)
                .map_err(|error| DriverFailure::os("waiting for the clone", &error))?;
            if let Some(event) = event {
                return Ok(Stopped::By(event));
            }
            if !pause.take() {
                continue;
            }
            if cancelled() {
                self.interrupt()?;
                return Err(DriverFailure::Cancelled);
            }
            let is_out_of_time = Instant::now() > until;
            if is_out_of_time || watch.is_over(self) {
                return Ok(match self.interrupt()? {
                    Event::Stop if is_out_of_time => Stopped::OutOfTime,
                    Event::Stop => Stopped::TooLong,
                    // It came to an end after all.
                    event => Stopped::By(event),
                });
            }
        }
    }

    /// Stops the running clone.
    fn interrupt(&self) -> Result<Event, DriverFailure> {
        ptrace::interrupt(self.pid)
            .map_err(|error| DriverFailure::os("PTRACE_INTERRUPT", &error))?;
        let until = Instant::now() + STOPPING;
        let mut pause = Pause::new();
        while Instant::now() < until {
            let event = ptrace::try_wait(self.pid)
                .map_err(|error| DriverFailure::os("waiting for the clone", &error))?;
            if let Some(event) = event {
                return Ok(event);
            }
            pause.take();
        }
        Err(DriverFailure::DoesNotStop)
    }

    /// The item whose call is being made.
    fn current(&self) -> u64 {
        let mut word = [0; 8];
        let at = self.workplace.header + Header::CURRENT;
        match self.mem.read_exact_at(&mut word, at) {
            Ok(()) => u64::from_le_bytes(word),
            Err(_) => 0,
        }
    }
}

/// Signals that code raises by what it does.
pub(super) const FAULTS: [i32; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGSYS,
    libc::SIGABRT,
];

enum Stopped {
    By(Event),
    TooLong,
    OutOfTime,
}

/// For how long the same call has been running.
struct Watch {
    looked: Instant,
    current: u64,
    since: Instant,
    cpu: Duration,
    /// How much of a processor it may take.
    limit: Duration,
}

impl Watch {
    fn begin(jail: &Jail, limit: Duration) -> Self {
        Self {
            looked: Instant::now(),
            current: jail.current(),
            since: Instant::now(),
            cpu: cpu_time(jail.pid),
            limit,
        }
    }

    /// Time that passed while the clone stood still does not count.
    fn go_on(mut self) -> Self {
        self.since = Instant::now();
        self
    }

    fn is_over(&mut self, jail: &Jail) -> bool {
        if self.looked.elapsed() < LOOK {
            return false;
        }
        self.looked = Instant::now();
        let current = jail.current();
        let cpu = cpu_time(jail.pid);
        // What the code writes there can win it time only so often.
        if current > self.current {
            self.current = current;
            self.since = self.looked;
            self.cpu = cpu;
        }
        cpu.saturating_sub(self.cpu) > self.limit || self.since.elapsed() > CALL_TIME
    }
}

/// How much of a processor a process has had.
fn cpu_time(pid: Tid) -> Duration {
    let Ok(stat) = ProcDirectory::new(pid).and_then(|process| process.stat()) else {
        return Duration::ZERO;
    };
    let ticks = stat.utime.saturating_add(stat.stime);
    Duration::from_millis(ticks.saturating_mul(1000) / procfs::ticks_per_second().max(1))
}

/// Makes system calls in the clone that are ours.
pub(super) struct Caller {
    pub(super) thread: Thread,
    /// An instruction of the clone that makes a system call.
    pub(super) site: u64,
}

impl Caller {
    fn call(&self, step: &str, number: i64, arguments: [u64; 5]) -> Result<u64, DriverFailure> {
        let call = SystemCall {
            number,
            arguments,
            trace_child: false,
            kept_options: options::KILL_WITH_TRACER,
        };
        // A call that waits for somebody has no end in a clone, which nobody knows.
        let mut when_late = || {
            let _ = ptrace::kill(self.thread.tid);
        };
        let result = match system_call(&self.thread, self.site, &call, &mut when_late) {
            Ok(outcome) => outcome.result,
            Err(InjectError::Ended | InjectError::Replaced) => return Err(DriverFailure::Ended),
            Err(InjectError::Filtered) => return Err(DriverFailure::Filtered),
            Err(InjectError::Os(error)) => return Err(DriverFailure::os(step, &error)),
            Err(
                InjectError::Signal
                | InjectError::NotScheduled
                | InjectError::Crashed(_)
                | InjectError::WithChild(..),
            ) => {
                return Err(DriverFailure::os(step, &io::ErrorKind::Interrupted.into()));
            }
        };
        u64::try_from(result).map_err(|_| {
            let errno = i32::try_from(-result).unwrap_or(libc::EIO);
            DriverFailure::os(step, &io::Error::from_raw_os_error(errno))
        })
    }

    /// Maps memory for reading and writing, which takes room only where it is written.
    pub(super) fn map(&self, length: u64) -> Result<u64, DriverFailure> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let no_file = u64::MAX;
        let arguments = [0, length, protection as u64, flags as u64, no_file];
        self.call("mmap in the clone", libc::SYS_mmap, arguments)
    }

    fn protect(&self, start: u64, length: u64, protection: i32) -> Result<(), DriverFailure> {
        let arguments = [start, length, protection as u64, 0, 0];
        self.call("mprotect in the clone", libc::SYS_mprotect, arguments)
            .map(drop)
    }

    /// Puts code of at most a page into memory that is never writable and executable at once, as some
    /// systems demand.
    pub(super) fn map_code(&self, mem: &File, bytes: &[u8]) -> Result<u64, DriverFailure> {
        let code = self.map(PAGE)?;
        mem.write_all_at(bytes, code)
            .map_err(|error| DriverFailure::os("writing to the clone", &error))?;
        self.protect(code, PAGE, libc::PROT_READ | libc::PROT_EXEC)?;
        Ok(code)
    }

    /// What the clone writes to shared memory, the live target would see.
    fn protect_shared_memory(&self, clone: Pid) -> Result<(), DriverFailure> {
        let mappings = Mappings::read(clone).map_err(|_| DriverFailure::Ended)?;
        let is_shared =
            |mapping: &&Mapping| mapping.permissions.shared && mapping.permissions.writable;
        let shared: Vec<_> = mappings.iter().filter(is_shared).collect();
        if shared.len() > MAX_SHARED {
            return Err(DriverFailure::SharedMemory);
        }
        for mapping in shared {
            let (start, length) = (mapping.start.get(), mapping.size());
            if self.protect(start, length, libc::PROT_READ).is_err() {
                let arguments = [start, length, 0, 0, 0];
                self.call("munmap in the clone", libc::SYS_munmap, arguments)
                    .map_err(|_| DriverFailure::SharedMemory)?;
            }
        }
        Ok(())
    }
}

fn workplace_size() -> u64 {
    PAGE + CALLS * (Item::SIZE + 8) + REFERENTS * 8
}

/// Header, items, ends and referents, one after the other.
fn workplace_at(header: u64) -> Workplace {
    let items = header + PAGE;
    let ends = items + CALLS * Item::SIZE;
    Workplace {
        header,
        items,
        ends,
        referents: ends + CALLS * 8,
        calls: CALLS,
        capacity: REFERENTS,
    }
}
