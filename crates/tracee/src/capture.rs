use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::guardian::Guardian;
use crate::protocol::{Child, Reply, Request};
use crate::{
    CloneError, DiscardError, FreezeError, LiveMemory, Mappings, MappingsError, Pid, Process,
    Tracer, Traverser, TraverserError,
};

/// A process whose threads are all stopped, until this is dropped.
#[derive(Debug)]
pub struct Frozen {
    guardian: Arc<Mutex<Guardian>>,
    pid: Pid,
    threads: Vec<ThreadStop>,
    released: bool,
}

/// Where a thread stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ThreadStop {
    /// The thread, in the namespace of this tool.
    pub tid: Pid,
    /// The number of the system call that it was in.
    pub system_call: Option<i64>,
    /// Its next instruction, an address of the target.
    pub instruction_pointer: u64,
    /// The top of its stack, an address of the target.
    pub stack_pointer: u64,
    /// What `pthread_self` returns in it.
    pub thread_pointer: u64,
    /// The arguments of that call.
    pub arguments: [u64; 6],
}

impl Frozen {
    /// Stops every thread of the process, within the deadline.
    ///
    /// The tracing is done by a guardian: a child process that is started here, and that
    /// undoes everything when this tool lets go, fails or is killed, even by SIGKILL. Under
    /// Yama's `ptrace_scope` 1, where only ancestors may trace, it is a thread instead.
    ///
    /// A stopped process stays stopped, signals that arrive are delivered at the release,
    /// and interrupted system calls go on as if nothing had happened.
    pub fn freeze(process: &Process, deadline: Duration) -> Result<Self, FreezeError> {
        Self::freeze_unless(process, deadline, &AtomicBool::new(false))
    }

    /// Like [`freeze`](Self::freeze), but gives up as soon as `interrupt` is set.
    pub fn freeze_unless(
        process: &Process,
        deadline: Duration,
        interrupt: &AtomicBool,
    ) -> Result<Self, FreezeError> {
        Tracer::start(process)?.freeze(process, deadline, interrupt)
    }

    pub(crate) fn new(guardian: Arc<Mutex<Guardian>>, pid: Pid, threads: Vec<ThreadStop>) -> Self {
        Self {
            guardian,
            pid,
            threads,
            released: false,
        }
    }

    pub(crate) fn guardian(&self) -> &Mutex<Guardian> {
        &self.guardian
    }

    /// There is nothing to let go any more.
    pub(crate) fn forget(&mut self) {
        self.released = true;
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Its threads.
    pub fn threads(&self) -> &[ThreadStop] {
        &self.threads
    }

    /// Clones the process: one of its threads makes one system call, and is put back to
    /// where it was. Nothing is written into the target. After a failure it is frozen still,
    /// but for [`CloneError::Blocked`].
    pub fn fork(&mut self) -> Result<ProcessClone, CloneError> {
        match lock(&self.guardian).ask(&Request::Fork) {
            Ok(Reply::Forked(Ok(child))) => Ok(ProcessClone::new(&self.guardian, child)),
            Ok(Reply::Forked(Err(failure))) => Err(failure.into()),
            Ok(_) => Err(CloneError::Guardian(io::ErrorKind::InvalidData.into())),
            Err(error) => Err(CloneError::Guardian(error)),
        }
    }

    /// Clones the process and lets it go on, with nothing in between: the shortest time that
    /// it stands still, which is returned as well. After a failure it is frozen still, but for
    /// [`CloneError::Blocked`].
    pub fn fork_and_release(self) -> Result<(ProcessClone, Duration), (Self, CloneError)> {
        self.fork_from(None)
    }

    /// Like [`fork_and_release`](Self::fork_and_release), from one of the stopped threads if one
    /// is named: that one is the thread that the clone has.
    pub fn fork_from(
        mut self,
        thread: Option<Pid>,
    ) -> Result<(ProcessClone, Duration), (Self, CloneError)> {
        let reply = lock(&self.guardian).ask(&Request::ForkAndRelease { from: thread });
        let error = match reply {
            Ok(Reply::ForkedAndReleased(Ok((child, stood_still)))) => {
                self.released = true;
                return Ok((ProcessClone::new(&self.guardian, child), stood_still));
            }
            Ok(Reply::ForkedAndReleased(Err(failure))) => failure.into(),
            Ok(_) => CloneError::Guardian(io::ErrorKind::InvalidData.into()),
            Err(error) => CloneError::Guardian(error),
        };
        Err((self, error))
    }

    /// Lets the process go on, and returns for how long it stood still: from the first
    /// request to stop to the last thread let go.
    pub fn release(mut self) -> Duration {
        self.let_go()
    }

    fn let_go(&mut self) -> Duration {
        self.released = true;
        match lock(&self.guardian).ask(&Request::Release) {
            Ok(Reply::Released(stood_still)) => stood_still,
            // A guardian that is gone has let go.
            _ => Duration::ZERO,
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        if !self.released {
            self.let_go();
        }
    }
}

/// A copy of the target as it was when it was frozen. It never runs, but for what a
/// [`Traverser`] lets it, or when it is [confined](Self::confine). Dropping it kills it,
/// and reaps it in the target, which never sees a zombie or a signal.
#[derive(Debug)]
pub struct ProcessClone {
    guardian: Arc<Mutex<Guardian>>,
    child: Child,
    memory: OnceLock<LiveMemory>,
    discarded: bool,
}

impl ProcessClone {
    fn new(guardian: &Arc<Mutex<Guardian>>, child: Child) -> Self {
        Self {
            guardian: Arc::clone(guardian),
            child,
            memory: OnceLock::new(),
            discarded: false,
        }
    }

    /// One that was kept when its tool ended.
    pub(crate) fn kept(guardian: Guardian, child: Child) -> Self {
        let mut clone = Self::new(&Arc::new(Mutex::new(guardian)), child);
        clone.outlives_this();
        clone
    }

    /// Dropping this does not end it any more.
    pub(crate) fn outlives_this(&mut self) {
        self.discarded = true;
    }

    pub(crate) fn guardian(&self) -> &Mutex<Guardian> {
        &self.guardian
    }

    /// Its number, in the namespace of this tool.
    pub fn pid(&self) -> Pid {
        self.child.pid
    }

    /// Its memory. The first call reads the list of mappings, so make it after the release.
    pub fn memory(&self) -> Result<&LiveMemory, MappingsError> {
        if let Some(memory) = self.memory.get() {
            return Ok(memory);
        }
        let mappings = Mappings::read(self.pid())?;
        Ok(self
            .memory
            .get_or_init(|| LiveMemory::open(self.pid(), &mappings)))
    }

    /// Prepares it for calls of the target's own functions: `tp_traverse` and getters.
    pub fn traverser(&self) -> Result<Traverser, TraverserError> {
        Traverser::new(&self.guardian, self.pid())
    }

    /// Whether it still exists. The kernel ends it when memory runs out, or somebody by hand.
    pub fn is_alive(&self) -> bool {
        Process::open(self.pid()).is_ok()
    }

    /// Kills and reaps it. Returns for how long one thread of the target stood still for it.
    pub fn discard(mut self) -> Result<Duration, DiscardError> {
        self.end()
    }

    fn end(&mut self) -> Result<Duration, DiscardError> {
        self.discarded = true;
        let reason = match lock(&self.guardian).ask(&Request::Discard) {
            Ok(Reply::Discarded(Ok(stood_still))) => return Ok(stood_still),
            Ok(Reply::Discarded(Err(failure))) => failure.to_string(),
            Ok(_) => "the guardian did not understand".to_owned(),
            Err(error) => format!("the guardian is gone: {error}"),
        };
        let pid = self.child.pid;
        Err(DiscardError { pid, reason })
    }
}

impl Drop for ProcessClone {
    fn drop(&mut self) {
        if !self.discarded {
            let _ = self.end();
        }
    }
}

/// A panic elsewhere does not make the connection useless.
pub(crate) fn lock(guardian: &Mutex<Guardian>) -> MutexGuard<'_, Guardian> {
    guardian.lock().unwrap_or_else(PoisonError::into_inner)
}
