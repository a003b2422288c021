use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use procfs::process::Process as ProcDirectory;

use super::ptrace::{self, Event, Tid, options};
use crate::access::name_of;
use crate::arch::Registers;
use crate::protocol::StopFailure;
use crate::{Pid, Process, StuckReason, StuckThread};

/// For how long stops are waited for.
pub(crate) struct Patience<'a> {
    pub(crate) until: Instant,
    /// Whether the tool has lost interest.
    pub(crate) cancelled: &'a dyn Fn() -> bool,
}

/// A thread that is stopped.
#[derive(Clone)]
pub(crate) struct Thread {
    pub(crate) tid: Tid,
    pub(crate) registers: Registers,
}

/// Threads of one process that are stopped, until this is dropped.
pub(crate) struct Threads {
    pid: Pid,
    known: HashSet<Tid>,
    /// Seized and asked to stop.
    waiting: Vec<Tid>,
    stopped: Vec<Thread>,
    since: Option<Instant>,
}

impl Threads {
    /// Stops every thread of the process.
    pub(crate) fn stop_all(process: &Process, patience: &Patience) -> Result<Self, StopFailure> {
        let mut threads = Self::none_of(process);
        // Seizing does not stop, so everything that can be done before the first thread
        // stops is done before.
        let mut seized = Vec::new();
        loop {
            let fresh = threads.seize_new()?;
            if fresh.is_empty() {
                break;
            }
            seized.extend(fresh);
        }
        // A thread that is not stopped yet can start another one.
        while !seized.is_empty() {
            threads.interrupt(&seized);
            threads.wait_for_stops(patience)?;
            seized = threads.seize_new()?;
        }
        if threads.stopped.is_empty() || !process.is_alive() {
            return Err(StopFailure::Ended);
        }
        if !process.is_same_program() {
            return Err(StopFailure::Replaced);
        }
        Ok(threads)
    }

    /// Stops one thread of the process: one that waits if there is one, since such a thread
    /// stops at once.
    pub(crate) fn stop_one(process: &Process, patience: &Patience) -> Result<Self, StopFailure> {
        const EACH: Duration = Duration::from_millis(100);
        let mut threads = Self::none_of(process);
        let mut tids = list(process.pid())?;
        // The target runs: a state that is read twice can differ, and sorting by what differs
        // may panic.
        tids.sort_by_cached_key(|&tid| match thread_state(process.pid(), tid) {
            Some('S' | 'T') => 0,
            Some('D') => 2,
            _ => 1,
        });
        for tid in tids {
            if !threads.seize(tid)? {
                continue;
            }
            threads.interrupt(&[tid]);
            let patience = Patience {
                until: patience.until.min(Instant::now() + EACH),
                cancelled: patience.cancelled,
            };
            match threads.wait_for_stops(&patience) {
                Ok(()) if threads.stopped.is_empty() => {}
                Ok(()) => return Ok(threads),
                Err(StopFailure::Stuck(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        // None stopped at once, as on a busy machine. All are asked by now, and the first that
        // stops serves.
        let mut pause = Pause::new();
        while !threads.waiting.is_empty() {
            let is_over = Instant::now() >= patience.until;
            threads.poll_waiting()?;
            if !threads.stopped.is_empty() {
                return Ok(threads);
            }
            if is_over {
                break;
            }
            pause.take();
        }
        match threads.describe_waiting() {
            stuck if stuck.is_empty() => Err(StopFailure::Ended),
            stuck => Err(StopFailure::Stuck(stuck)),
        }
    }

    /// Stops this thread of the process if it sleeps, and no other.
    pub(crate) fn stop_sleeper(
        process: &Process,
        thread: Pid,
        patience: &Patience,
    ) -> Result<Self, StopFailure> {
        let mut threads = Self::none_of(process);
        if thread_state(process.pid(), thread.0) == Some('S') && threads.seize(thread.0)? {
            threads.interrupt(&[thread.0]);
            threads.wait_for_stops(patience)?;
        }
        Ok(threads)
    }

    /// The stopped threads.
    pub(crate) fn stopped(&self) -> &[Thread] {
        &self.stopped
    }

    /// Lets all of them go on as they were. Returns the time since the first was asked to stop.
    pub(crate) fn release(&mut self) -> Duration {
        let mut dying = Vec::new();
        for thread in self.stopped.drain(..) {
            // Only a thread that was killed can't be detached.
            if ptrace::detach(thread.tid).is_err() {
                dying.push(thread.tid);
            }
        }
        let stood_still = self
            .since
            .take()
            .map(|since| since.elapsed())
            .unwrap_or_default();
        self.let_go_of_waiting();
        dying.into_iter().for_each(reap_dying);
        stood_still
    }

    /// Lets all of them go on but one. Returns the time since the first was asked to stop.
    pub(crate) fn release_all_but(&mut self, kept: Tid) -> Duration {
        let stopped = std::mem::take(&mut self.stopped).into_iter();
        let (kept, others) = stopped.partition(|thread| thread.tid == kept);
        self.stopped = others;
        let stood_still = self.release();
        self.stopped = kept;
        stood_still
    }

    fn none_of(process: &Process) -> Self {
        Self {
            pid: process.pid(),
            known: HashSet::new(),
            waiting: Vec::new(),
            stopped: Vec::new(),
            since: None,
        }
    }

    /// Seizes the threads that are not known yet, and returns them.
    fn seize_new(&mut self) -> Result<Vec<Tid>, StopFailure> {
        let mut fresh = Vec::new();
        for tid in list(self.pid)? {
            if !self.known.contains(&tid) && self.seize(tid)? {
                fresh.push(tid);
            }
        }
        Ok(fresh)
    }

    /// Seizes a thread; false when it has ended.
    fn seize(&mut self, tid: Tid) -> Result<bool, StopFailure> {
        self.known.insert(tid);
        match ptrace::seize(tid, options::TELL_EXEC) {
            Ok(()) => {
                self.waiting.push(tid);
                Ok(true)
            }
            Err(error) => match error.raw_os_error() {
                Some(libc::ESRCH) => Ok(false),
                Some(libc::EPERM | libc::EACCES) => self.explain_refusal(tid),
                _ => Err(StopFailure::os("PTRACE_SEIZE", &error)),
            },
        }
    }

    /// The kernel says `EPERM` also of threads that have ended, and of those of others.
    fn explain_refusal(&self, tid: Tid) -> Result<bool, StopFailure> {
        if matches!(thread_state(self.pid, tid), None | Some('Z' | 'X')) {
            return Ok(false);
        }
        let status = ProcDirectory::new(self.pid.0).and_then(|process| process.status());
        match status {
            Ok(status) if status.tracerpid != 0 => Err(StopFailure::Traced {
                by: Pid(status.tracerpid),
                name: name_of(status.tracerpid),
            }),
            _ => Err(StopFailure::Refused),
        }
    }

    fn interrupt(&mut self, tids: &[Tid]) {
        self.since.get_or_insert_with(Instant::now);
        for &tid in tids {
            // Fails only for a thread that has ended, and `poll` finds that out.
            let _ = ptrace::interrupt(tid);
        }
    }

    fn wait_for_stops(&mut self, patience: &Patience) -> Result<(), StopFailure> {
        let mut pause = Pause::new();
        while !self.waiting.is_empty() {
            // Before the look at the threads: on a busy machine this one may be late, too.
            let is_over = Instant::now() >= patience.until;
            self.poll_waiting()?;
            if self.waiting.is_empty() || !is_over && !pause.take() {
                continue;
            }
            // The slow path: some thread takes longer than a context switch.
            let pid = self.pid;
            self.waiting
                .retain(|&tid| !matches!(thread_state(pid, tid), None | Some('Z' | 'X')));
            if (patience.cancelled)() {
                return Err(StopFailure::Cancelled);
            }
            if is_over && !self.waiting.is_empty() {
                return Err(StopFailure::Stuck(self.describe_waiting()));
            }
        }
        Ok(())
    }

    fn poll_waiting(&mut self) -> Result<(), StopFailure> {
        for tid in std::mem::take(&mut self.waiting) {
            if self.poll(tid)? == Poll::NotYet {
                self.waiting.push(tid);
            }
        }
        Ok(())
    }

    fn poll(&mut self, tid: Tid) -> Result<Poll, StopFailure> {
        loop {
            let signal = match ptrace::try_wait(tid) {
                Ok(None) => return Ok(Poll::NotYet),
                Ok(Some(Event::Stop)) => {
                    return Ok(self.note_stop(tid).map_or(Poll::Gone, |()| Poll::Stopped));
                }
                Ok(Some(Event::Ended)) | Err(_) => return Ok(Poll::Gone),
                Ok(Some(Event::Exec)) => {
                    let _ = ptrace::detach(tid);
                    return Err(StopFailure::Replaced);
                }
                // A signal arrived before our request. It is delivered now: the handler's
                // frame is set up, and the thread stops before its first instruction. Any
                // stop cancels a pending request, so it is made again.
                Ok(Some(Event::Signal(signal))) => signal,
                Ok(Some(Event::SystemCall | Event::Child)) => 0,
            };
            let _ = ptrace::interrupt(tid);
            let _ = ptrace::resume(tid, signal);
        }
    }

    fn note_stop(&mut self, tid: Tid) -> io::Result<()> {
        let mut registers = Registers::of(tid)?;
        if registers.restart_instead_of_eintr() {
            registers.apply(tid)?;
        }
        self.stopped.push(Thread { tid, registers });
        Ok(())
    }

    fn describe_waiting(&self) -> Vec<StuckThread> {
        self.waiting
            .iter()
            .map(|&tid| describe(self.pid, tid))
            .collect()
    }

    /// A thread that never stopped can't be detached by a call; the kernel does it when the
    /// tracing thread ends, which it therefore does after a failure.
    fn let_go_of_waiting(&mut self) {
        for tid in self.waiting.drain(..) {
            if let Ok(Some(Event::Stop | Event::Signal(_))) = ptrace::try_wait(tid) {
                let _ = ptrace::detach(tid);
            }
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.release();
    }
}

#[derive(PartialEq)]
enum Poll {
    NotYet,
    Stopped,
    Gone,
}

/// Waits that begin with a fraction of a microsecond and grow to half a millisecond.
pub(crate) struct Pause {
    begun: Instant,
    sleep: Duration,
}

impl Pause {
    const SPIN: Duration = Duration::from_micros(300);
    const LONGEST: Duration = Duration::from_micros(500);

    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            sleep: Duration::from_micros(20),
        }
    }

    /// Waits; true when that was a sleep and not just a turn for others.
    pub(crate) fn take(&mut self) -> bool {
        if self.begun.elapsed() < Self::SPIN {
            std::thread::yield_now();
            return false;
        }
        std::thread::sleep(self.sleep);
        self.sleep = (self.sleep * 2).min(Self::LONGEST);
        true
    }
}

/// A thread that was killed while it was stopped stays a zombie until its tracer has asked.
fn reap_dying(tid: Tid) {
    let until = Instant::now() + Duration::from_millis(100);
    let mut pause = Pause::new();
    while Instant::now() < until {
        match ptrace::try_wait(tid) {
            Ok(Some(Event::Ended)) | Err(_) => return,
            Ok(Some(_)) => {
                let _ = ptrace::detach(tid);
            }
            Ok(None) => {
                pause.take();
            }
        }
    }
}

fn list(pid: Pid) -> Result<Vec<Tid>, StopFailure> {
    let directory = match std::fs::read_dir(format!("/proc/{pid}/task")) {
        Ok(directory) => directory,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(StopFailure::Ended),
        Err(error) => return Err(StopFailure::os("reading /proc/PID/task", &error)),
    };
    let names = directory.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.parse().ok()).collect())
}

/// Whether some thread sleeps uninterruptibly.
pub(super) fn has_sleeping_thread(pid: Pid) -> bool {
    let tids = list(pid).unwrap_or_default();
    tids.into_iter()
        .any(|tid| thread_state(pid, tid) == Some('D'))
}

/// The letter of a thread's state; `None` when it has ended.
pub(super) fn thread_state(pid: Pid, tid: Tid) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/stat")).ok()?;
    // The name in parentheses can hold anything, parentheses too.
    stat.rsplit_once(") ")?.1.chars().next()
}

fn describe(pid: Pid, tid: Tid) -> StuckThread {
    let read = |file: &str| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/{file}"));
        text.map(|text| text.trim_end().to_owned())
            .unwrap_or_default()
    };
    let state = thread_state(pid, tid).unwrap_or('X');
    let wait_channel = Some(read("wchan")).filter(|name| !name.is_empty() && name != "0");
    let reason = if is_in_vfork(&read("syscall")) {
        StuckReason::Vfork
    } else if state == 'D' {
        StuckReason::Uninterruptible
    } else {
        StuckReason::Unknown
    };
    StuckThread {
        tid: Pid(tid),
        name: read("comm"),
        state,
        wait_channel,
        reason,
    }
}

/// Whether `/proc/TID/syscall`, the number and then the arguments in hexadecimal, shows a
/// `vfork`, or a `clone` that waits in the same way.
fn is_in_vfork(system_call: &str) -> bool {
    let mut words = system_call.split_ascii_whitespace();
    let number: Option<i64> = words.next().and_then(|word| word.parse().ok());
    let flags = words.next().and_then(|word| word.strip_prefix("0x"));
    let flags = flags
        .and_then(|word| u64::from_str_radix(word, 16).ok())
        .unwrap_or(0);
    match number {
        #[cfg(target_arch = "x86_64")]
        Some(libc::SYS_vfork) => true,
        // The flags of clone3 are in memory, but a clone that does not wait is over soon.
        Some(libc::SYS_clone3) => true,
        Some(libc::SYS_clone) => flags & libc::CLONE_VFORK as u64 != 0,
        _ => false,
    }
}
