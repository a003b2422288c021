//! Which way in there is at a moment at which every thread stands still.

use std::fmt;

use exuvia_cpython::{Layout, PendingCalls};
use exuvia_memory::RemoteAddress;
use exuvia_tracee::{Mappings, Pid, ThreadStop};

use super::situation::{Activity, ThreadSituation};
use super::state::{Phase, RemoteDebugging, RuntimeState};
use super::system_calls::{self, Wait};
use super::thread::{Attachment, PythonThread};

/// The stack that calls of the interpreter's functions may need, in bytes: compiling the server
/// takes less than 32 KiB, but 3.14 and later keep 48 KiB free. With musl, a thread has 128 KiB.
const STACK: u64 = 96 << 10;
/// What the kernel keeps free below a stack that grows (`stack_guard_gap`).
const STACK_GUARD: u64 = 1 << 20;
/// `glibc` gives each of its arenas memory that begins at a multiple of this, with a head of
/// this length, in which its lock is (`HEAP_MAX_SIZE`, `malloc_state`).
const ARENA: u64 = 64 << 20;
const ARENA_HEAD: u64 = 2304;

/// A process that stands still.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// What its interpreter says.
    pub state: &'a RuntimeState,
    /// What its interpreter looks like.
    pub layout: &'a Layout,
    /// Where its threads stopped.
    pub stops: &'a [ThreadStop],
    /// Its memory.
    pub mappings: &'a Mappings,
    /// How large the stack of its first thread may become, in bytes.
    pub stack_limit: u64,
    /// Whether the process could read a script that it is asked to run.
    pub reads_scripts: bool,
}

/// In which thread code is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// In whichever comes first.
    Any,
    /// In the main thread.
    Main,
}

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// PEP 768: this thread is asked to run a script.
    Script {
        /// Its state.
        thread: RemoteAddress,
    },
    /// A call in the ring of pending calls.
    Ring {
        /// Of the two rings there are, the one that only the main thread serves.
        main_only: bool,
    },
    /// This thread waits in a system call, and calls the interpreter's functions before it
    /// goes on waiting.
    Call {
        /// The thread, in the namespace of this tool.
        tid: Pid,
    },
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script { .. } => write!(f, "a script that a thread was asked to run (PEP 768)"),
            Self::Ring { main_only: true } => write!(f, "a pending call of the main thread"),
            Self::Ring { main_only: false } => write!(f, "a pending call"),
            Self::Call { tid } => {
                write!(f, "a call in thread {tid}, which waits in a system call")
            }
        }
    }
}

/// Code can't run in this interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is starting, or it has ended.
    #[error("the interpreter is starting, or has ended already")]
    NotInitialized,
    /// It ends.
    #[error("the interpreter is shutting down, and runs no more code")]
    Finalizing,
    /// Its operator does not want it.
    #[error("remote debugging is switched off in this process: no code runs in it for others")]
    RemoteDebuggingDisabled,
}

impl Refusal {
    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotInitialized => "try again when its Python runs",
            Self::Finalizing => {
                "this holds for --clone as well; commands that only read, such as `exuvia threads`, \
                 may show what it waits for"
            }
            Self::RemoteDebuggingDisabled => {
                "it was started with PYTHON_DISABLE_REMOTE_DEBUG or -X disable-remote-debug, or \
                 its Python was built without; this holds for --clone as well, but commands that \
                 only read work"
            }
        }
    }
}

/// What can be done at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// This.
    Go(Way),
    /// Nothing. Why, of each thread.
    NotNow(Vec<ThreadSituation>),
    /// Nothing, at any moment.
    Refused(Refusal),
}

/// Chooses a way. `is_first` says that none was tried so far: that a thread runs is then taken
/// as a sign that it looks soon.
pub fn decide(moment: &Moment<'_>, wanted: Wanted, is_first: bool) -> Decision {
    if let Some(refusal) = refusal(moment.state) {
        return Decision::Refused(refusal);
    }
    let way = match is_first {
        true => asked(moment, wanted, true).or_else(|| called(moment, wanted)),
        // Who runs, and did not look, is in C code, which may take any time. With the lock
        // held, nobody else gets in either, unless nobody but the main thread looks.
        false if moment.is_lock_held() && !moment.needs_main(wanted) => {
            asked(moment, wanted, true).or_else(|| called(moment, wanted))
        }
        false => called(moment, wanted),
    };
    // Last of all, somebody may come back from a call.
    match way.or_else(|| asked(moment, wanted, false)) {
        Some(way) => Decision::Go(way),
        None => Decision::NotNow(situations(moment)),
    }
}

/// Why code can't run in an interpreter at any moment.
pub fn refusal(state: &RuntimeState) -> Option<Refusal> {
    match (state.phase, state.remote_debugging) {
        (Phase::NotInitialized, _) => Some(Refusal::NotInitialized),
        (Phase::Finalizing, _) => Some(Refusal::Finalizing),
        (Phase::Running, RemoteDebugging::Disabled) => Some(Refusal::RemoteDebuggingDisabled),
        (Phase::Running, _) => None,
    }
}

/// What each thread is doing, for a message.
pub fn situations(moment: &Moment<'_>) -> Vec<ThreadSituation> {
    let stops = moment.stops.iter();
    stops.map(|stop| moment.situation(stop)).collect()
}

/// A way in which a thread is asked, and does it when it next looks. `soon` leaves out threads
/// that wait.
fn asked(moment: &Moment<'_>, wanted: Wanted, soon: bool) -> Option<Way> {
    let state = moment.state;
    let looks = |thread: &&PythonThread| !soon || moment.looks_soon(thread);
    let main_only = wanted == Wanted::Main;
    if state.remote_debugging == RemoteDebugging::Enabled && moment.reads_scripts {
        let asked = state.threads.iter().filter(|thread| {
            (!main_only || state.is_main(thread)) && !thread.runs_script_soon && looks(thread)
        });
        // Who has the lock runs now; without one, whoever is attached.
        let thread = asked.min_by_key(|thread| {
            let is_attached = thread.attachment == Some(Attachment::Attached);
            (!state.holds_gil(thread), !is_attached)
        });
        return thread.map(|thread| Way::Script {
            thread: thread.address,
        });
    }
    let ring = state.ring_for(moment.layout, main_only)?;
    // A hook that refuses would let the call return -1, and raise an exception in the thread
    // that makes it.
    // So would the limit of recursion.
    if state.has_audit_hooks || state.is_near_limit || !ring.is_open() {
        return None;
    }
    let needs_main = moment.needs_main(wanted);
    let mut serving = state.threads.iter().filter(looks);
    serving
        .any(|thread| !needs_main || state.is_main(thread))
        .then_some(Way::Ring { main_only })
}

/// A thread that waits, and can be made to call something.
fn called(moment: &Moment<'_>, wanted: Wanted) -> Option<Way> {
    let state = moment.state;
    let candidates = moment.stops.iter().filter(|stop| {
        let Some(thread) = state.thread(stop.thread_pointer) else {
            return false;
        };
        (wanted == Wanted::Any || state.is_main(thread)) && moment.can_call(stop, thread)
    });
    // Rather another than the main thread, on which all wait.
    let is_main = |stop: &&ThreadStop| stop.thread_pointer == state.main_thread;
    candidates
        .min_by_key(is_main)
        .map(|stop| Way::Call { tid: stop.tid })
}

impl Moment<'_> {
    /// Whether only the main thread does what a ring asks for.
    fn needs_main(&self, wanted: Wanted) -> bool {
        wanted == Wanted::Main || self.layout.shapes.pending_calls == PendingCalls::MainThread
    }

    fn is_lock_held(&self) -> bool {
        self.state.gil.is_some_and(|gil| gil.holder.is_some())
    }

    fn stop_of(&self, thread: &PythonThread) -> Option<&ThreadStop> {
        let mut stops = self.stops.iter();
        stops.find(|stop| stop.thread_pointer == thread.thread_id)
    }

    /// Whether a thread is likely to run Python code within milliseconds: it has the lock, or
    /// waits for it, or runs.
    fn looks_soon(&self, thread: &PythonThread) -> bool {
        let Some(stop) = self.stop_of(thread) else {
            return false;
        };
        match self.wait_of(stop) {
            None => true,
            // A program that embeds Python, and does something else without giving the lock away.
            Some(_) if self.state.holds_gil(thread) => thread.has_frames,
            Some(Wait::Word(word)) => self.is_in_lock(word),
            Some(Wait::Other) => false,
        }
    }

    fn wait_of(&self, stop: &ThreadStop) -> Option<Wait> {
        system_calls::wait(stop.system_call?, stop.arguments)
    }

    /// Whether a word belongs to the interpreter lock: who waits for it wants that.
    fn is_in_lock(&self, word: u64) -> bool {
        self.state
            .gil
            .is_some_and(|gil| word.wrapping_sub(gil.address.get()) < gil.size)
    }

    /// Whether a stopped thread can call the interpreter's functions where it is.
    pub(super) fn can_call(&self, stop: &ThreadStop, thread: &PythonThread) -> bool {
        let rests = match self.wait_of(stop) {
            Some(Wait::Word(word)) => !self.is_in_lock(word) && !self.is_lock_of_library(word),
            Some(Wait::Other) => true,
            None => false,
        };
        let is_attached = match thread.attachment {
            None => self.state.holds_gil(thread),
            Some(attachment) => attachment == Attachment::Attached,
        };
        let is_detached = match thread.attachment {
            None => !is_attached,
            Some(attachment) => attachment == Attachment::Detached,
        };
        // With the lock, only between two calls of Python by a program that embeds it: else it
        // may be in the middle of anything.
        rests
            && (is_detached && !self.state.holds_gil(thread) || is_attached && !thread.has_frames)
            && !thread.has_exception
            && self.stack_below(stop) >= STACK
    }

    /// Whether a word that a thread waits for may be the lock of an allocator or of the
    /// loader: it is a static variable, or in the head of an arena. Locks of Python code are
    /// allocated, or lie on a stack.
    fn is_lock_of_library(&self, word: u64) -> bool {
        let address = RemoteAddress::new(word);
        let Some(mapping) = self.mappings.containing(address) else {
            return true;
        };
        // A semaphore between processes, as an idle worker of multiprocessing waits for.
        if mapping.permissions.shared {
            return false;
        }
        if word % ARENA < ARENA_HEAD || mapping.is_file() {
            return true;
        }
        // Variables that begin as zeros follow on those of the file, without one.
        let before = self.mappings.containing(mapping.start.before(1));
        mapping.path.is_none() && before.is_some_and(|before| before.is_file())
    }

    /// How much of its stack a thread has not used, in bytes.
    fn stack_below(&self, stop: &ThreadStop) -> u64 {
        let pointer = RemoteAddress::new(stop.stack_pointer);
        let Some(stack) = self.mappings.containing(pointer) else {
            return 0;
        };
        let mut start = stack.start.get();
        // The stack of the first thread grows when it is used.
        if stack
            .path
            .as_deref()
            .is_some_and(|path| path.as_os_str() == "[stack]")
        {
            let before = self.mappings.iter().rev();
            let mut before = before.skip_while(|one| one.start >= stack.start);
            let floor = before.next().map_or(0, |one| one.end.get() + STACK_GUARD);
            let limit = stack.end.get().saturating_sub(self.stack_limit);
            start = start.min(limit.max(floor));
        }
        stop.stack_pointer.saturating_sub(start)
    }

    fn situation(&self, stop: &ThreadStop) -> ThreadSituation {
        let thread = self.state.thread(stop.thread_pointer);
        let activity = match (stop.system_call, self.wait_of(stop)) {
            (None, _) => Activity::Runs,
            (Some(_), Some(Wait::Word(word))) if self.is_in_lock(word) => Activity::WantsLock,
            (Some(number), _) => Activity::Calls(system_calls::name(number)),
        };
        ThreadSituation {
            tid: stop.tid,
            is_python: thread.is_some(),
            is_main: thread.is_some_and(|thread| self.state.is_main(thread)),
            holds_gil: thread.is_some_and(|thread| self.state.holds_gil(thread)),
            activity,
        }
    }
}
