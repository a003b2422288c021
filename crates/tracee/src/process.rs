use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

use procfs::process::{Stat, Status};
use procfs::{Current, ProcError};
use serde::{Deserialize, Serialize};

/// The number of a process in the namespace of this tool.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Pid(pub i32);

impl Pid {
    /// The process that asks.
    pub fn own() -> Self {
        Self(std::process::id().cast_signed())
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a process can't be a target.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing runs under this number.
    #[error("there is no process {0}")]
    NoSuchProcess(Pid),
    /// Zero and negative numbers name groups of processes.
    #[error("{0} is not the number of a process")]
    NotAPid(Pid),
    /// The tool itself.
    #[error("process {0} is this tool itself")]
    Own(Pid),
    /// The number is a thread's.
    #[error("{thread} is a thread of process {process}, not a process")]
    Thread {
        /// The number that was given.
        thread: Pid,
        /// The process that the thread belongs to.
        process: Pid,
    },
    /// A thread of the kernel has no memory of its own.
    #[error("process {pid} ({name}) is a thread of the kernel")]
    KernelThread {
        /// Its number.
        pid: Pid,
        /// Its name.
        name: String,
    },
    /// It has ended, and its parent has not asked for the outcome.
    #[error("process {pid} is a zombie: it has ended, and its parent {parent} has not reaped it")]
    Zombie {
        /// Its number.
        pid: Pid,
        /// Who should reap it.
        parent: Pid,
    },
    /// A 32-bit program on a 64-bit kernel.
    #[error("process {0} is a 32-bit program; only 64-bit programs are supported")]
    ThirtyTwoBit(Pid),
    /// `/proc` did not answer as expected.
    #[error("cannot read about process {pid} in /proc")]
    Proc {
        /// The process.
        pid: Pid,
        /// What went wrong.
        #[source]
        source: ProcError,
    },
}

/// What tells one program from the next one under the same number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// In clock ticks since boot: changes when the number is used again.
    start_time: u64,
    /// The address where the stack begins: changes with `exec`, except for once in
    /// millions, since it is random. Zero where it may not be known.
    start_stack: u64,
}

/// A process that can be a target: it exists, runs, and is not the tool itself.
///
/// Holds its directory in `/proc`, so that a later process under the same number is never
/// taken for it.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    directory: procfs::process::Process,
    identity: Identity,
}

impl Process {
    /// Checks that `pid` can be a target. Nothing is attached and nothing is touched.
    pub fn open(pid: Pid) -> Result<Self, OpenError> {
        if pid.0 <= 0 {
            return Err(OpenError::NotAPid(pid));
        }
        if pid == Pid::own() {
            return Err(OpenError::Own(pid));
        }
        let failed = |source| match source {
            ProcError::NotFound(_) => OpenError::NoSuchProcess(pid),
            source => OpenError::Proc { pid, source },
        };
        let directory = procfs::process::Process::new(pid.0).map_err(failed)?;
        let status = directory.status().map_err(failed)?;
        let stat = directory.stat().map_err(failed)?;
        refuse_what_is_not_a_program(pid, &status, &stat)?;
        let process = Self {
            pid,
            directory,
            identity: Identity::of(&stat),
        };
        if process.is_thirty_two_bit() {
            return Err(OpenError::ThirtyTwoBit(pid));
        }
        Ok(process)
    }

    /// Its number.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether it has a thread of this number.
    pub(crate) fn has_thread(&self, thread: Pid) -> bool {
        self.is_alive() && self.directory.task_from_tid(thread.0).is_ok()
    }

    /// The words of its command line; none where that is empty.
    pub fn arguments(&self) -> Vec<String> {
        self.directory.cmdline().unwrap_or_default()
    }

    /// Its command line, or its name in brackets where that is empty.
    pub fn command(&self) -> String {
        match self.directory.cmdline() {
            Ok(words) if !words.is_empty() => words.join(" "),
            _ => format!("[{}]", self.name()),
        }
    }

    /// The kernel's short name of it: at most 15 bytes.
    pub fn name(&self) -> String {
        self.directory
            .stat()
            .map(|stat| stat.comm)
            .unwrap_or_default()
    }

    /// The path of its program, as the process itself sees it.
    pub fn executable(&self) -> io::Result<PathBuf> {
        std::fs::read_link(format!("/proc/{}/exe", self.pid))
    }

    /// Bytes of its memory that are in RAM; zero when it is gone.
    pub fn resident_bytes(&self) -> u64 {
        let status = self.directory.status().ok();
        status.and_then(|status| status.vmrss).unwrap_or(0) * 1024
    }

    /// How long it has been running.
    pub fn uptime(&self) -> Duration {
        let ticks = self.identity.start_time as f64 / procfs::ticks_per_second() as f64;
        let now = procfs::Uptime::current().map_or(ticks, |now| now.uptime);
        Duration::from_secs_f64((now - ticks).max(0.0))
    }

    /// The letter of its state as in `ps`: `R`, `S`, `D`, `T`, `t`, `Z`; `X` when it is gone.
    pub fn state(&self) -> char {
        self.directory.stat().map_or('X', |stat| stat.state)
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        self.directory.stat().is_ok_and(|stat| !has_ended(&stat))
    }

    /// The process that traces it, if any.
    pub fn tracer_pid(&self) -> Option<Pid> {
        let tracer = self.directory.status().ok()?.tracerpid;
        (tracer != 0).then_some(Pid(tracer))
    }

    /// Whether the number still belongs to the program that was opened: false once it
    /// ended or replaced itself by `exec`.
    pub fn is_same_program(&self) -> bool {
        let stat = self.directory.stat();
        stat.is_ok_and(|stat| Identity::of(&stat) == self.identity)
    }

    /// When it began, in clock ticks since the machine did.
    pub fn started(&self) -> u64 {
        self.identity.start_time
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    pub(crate) fn status(&self) -> Option<Status> {
        self.directory.status().ok()
    }

    /// Looks at the class in the ELF header. A program that may not be read passes here:
    /// it may not be traced either, and that is said later, with the reason.
    fn is_thirty_two_bit(&self) -> bool {
        let mut header = [0; 5];
        let read = File::open(format!("/proc/{}/exe", self.pid))
            .and_then(|mut file| file.read_exact(&mut header));
        read.is_ok() && header == *b"\x7fELF\x01"
    }
}

impl Identity {
    fn of(stat: &Stat) -> Self {
        Self {
            start_time: stat.starttime,
            start_stack: stat.startstack,
        }
    }

    /// Whether it is the same process, though possibly with another program.
    pub(crate) fn is_same_process(self, other: Self) -> bool {
        self.start_time == other.start_time
    }
}

/// `PF_KTHREAD` of the kernel's `include/linux/sched.h`.
const KERNEL_THREAD: u32 = 0x0020_0000;

fn refuse_what_is_not_a_program(pid: Pid, status: &Status, stat: &Stat) -> Result<(), OpenError> {
    // `/proc/TID` exists for every thread, although the listing of `/proc` hides it.
    if status.tgid != pid.0 {
        return Err(OpenError::Thread {
            thread: pid,
            process: Pid(status.tgid),
        });
    }
    if stat.flags & KERNEL_THREAD != 0 {
        return Err(OpenError::KernelThread {
            pid,
            name: stat.comm.clone(),
        });
    }
    if has_ended(stat) {
        return Err(OpenError::Zombie {
            pid,
            parent: Pid(stat.ppid),
        });
    }
    Ok(())
}

/// The first thread may have ended alone; then the process lives on in the others.
fn has_ended(stat: &Stat) -> bool {
    matches!(stat.state, 'Z' | 'X' | 'x') && stat.num_threads <= 1
}
