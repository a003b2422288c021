use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use exuvia_memory::RemoteAddress;

use crate::access::hint_for_tracer;
use crate::capture::lock;
use crate::errors::{FILTERED, NO_GUARDIAN};
use crate::guardian::Guardian;
use crate::protocol::{InjectionFailure, Reply, Request, Will};
use crate::{FreezeError, Frozen, Patch, Pid, Process, ProcessClone, Routine};

/// What keeps hold of a process over several freezes, and looks after what is left in it.
///
/// Dropping it, or the death of this tool, closes in the target what was opened for it, and does
/// what [`set_will`](Self::set_will) says.
#[derive(Debug)]
pub struct Tracer {
    guardian: Arc<Mutex<Guardian>>,
    pid: Pid,
}

/// A connection with a process.
#[derive(Debug)]
pub struct Channel {
    /// This tool's end.
    pub ours: UnixStream,
    /// The number of the other end's descriptor in the process.
    pub theirs: i32,
}

/// Why something was not done in a process or a clone.
#[derive(Debug, thiserror::Error)]
pub enum InjectionError {
    /// It is gone.
    #[error("the process ended")]
    Ended,
    /// It has a filter of system calls that can't be suspended, and might die of a call.
    #[error(
        "the target has a seccomp filter, and suspending it needs CAP_SYS_ADMIN and a tool \
         without such a filter"
    )]
    Filtered,
    /// There is no code that makes system calls.
    #[error("the target has no instruction that makes a system call")]
    NoInstruction,
    /// The thread is not there any more.
    #[error("thread {0} has ended")]
    NoThread(Pid),
    /// Signals came in between, or the processor had other work.
    #[error("it was interrupted, or had no time")]
    Interrupted,
    /// What was called crashed.
    #[error("the called code raised signal {0}")]
    Crashed(i32),
    /// What was called returned that it failed.
    #[error("the called code failed")]
    Failed,
    /// The process does not stand still, or there is no clone.
    #[error("the process does not stand still")]
    NotStopped,
    /// Another program runs in it by now.
    #[error("the process replaced its program (exec)")]
    Replaced,
    /// The kernel does not let this tool trace it any more.
    #[error("not permitted to trace the process any more")]
    Refused,
    /// A debugger was attached to it since.
    #[error("the process is traced by {name} (process {by}) by now")]
    Traced {
        /// Its tracer.
        by: Pid,
        /// The tracer's name.
        name: String,
    },
    /// A call failed.
    #[error("{step}: {source}")]
    Os {
        /// What was being done.
        step: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The process that does the tracing is gone.
    #[error("the tracing process does not work: {0}")]
    Guardian(io::Error),
}

impl InjectionError {
    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Ended | Self::Replaced => "`exuvia ps` lists running Pythons",
            Self::Filtered => FILTERED,
            Self::NoInstruction => "its program is none that exuvia can run code in",
            Self::NoThread(_) | Self::Interrupted | Self::NotStopped | Self::Os { .. } => {
                "try again"
            }
            Self::Failed => "it may have no memory left: try again",
            Self::Crashed(_) => "look into its log: something is wrong with its interpreter",
            Self::Refused => "its user or its rights have changed: run exuvia as root",
            Self::Traced { name, .. } => hint_for_tracer(name),
            Self::Guardian(_) => NO_GUARDIAN,
        }
    }
}

impl Tracer {
    /// Starts a guardian for a process, as [`Frozen::freeze`] describes it.
    pub fn start(process: &Process) -> Result<Self, FreezeError> {
        let guardian = Guardian::start(process).map_err(FreezeError::Guardian)?;
        Ok(Self {
            guardian: Arc::new(Mutex::new(guardian)),
            pid: process.pid(),
        })
    }

    /// Stops every thread of the process, as [`Frozen::freeze`] does. After a failure this is of
    /// no more use.
    pub fn freeze(
        &self,
        process: &Process,
        deadline: Duration,
        interrupt: &AtomicBool,
    ) -> Result<Frozen, FreezeError> {
        let reply = lock(&self.guardian)
            .ask_unless(&Request::Freeze { deadline }, interrupt)
            .map_err(FreezeError::Guardian)?;
        match reply {
            Some(Reply::Frozen(Ok(threads))) => {
                Ok(Frozen::new(Arc::clone(&self.guardian), self.pid, threads))
            }
            Some(Reply::Frozen(Err(failure))) => {
                // The guardian lets go of everything before the facts are looked at.
                lock(&self.guardian).end();
                Err(FreezeError::new(process, deadline, failure))
            }
            None => Err(FreezeError::Interrupted),
            Some(_) => Err(FreezeError::Guardian(io::ErrorKind::InvalidData.into())),
        }
    }

    /// Says that somebody in the target has taken over what was opened there, and closes it.
    pub fn taken(&self) -> Result<(), InjectionError> {
        self.note(&Request::Taken)
    }

    /// Says what is to be done when this is dropped or this tool dies, instead of what was said
    /// before.
    pub fn set_will(&self, will: Option<Will>) -> Result<(), InjectionError> {
        self.note(&Request::SetWill { will })
    }

    /// From now on, what is left to be done when this is dropped is not waited for: code that does
    /// not react is interrupted for long.
    pub fn leave_alone(&self) {
        lock(&self.guardian).may_take_long();
    }

    /// Whether the functions that a thread was [made to call](Frozen::call) have all been called;
    /// an error if that went wrong.
    pub fn has_called(&self) -> Result<bool, InjectionError> {
        match ask(&self.guardian, &Request::HasCalled)? {
            Reply::HasCalled(called) => Ok(called?),
            _ => Err(misunderstood()),
        }
    }

    /// Stops the running process, changes its memory, and lets a thread return early from a call
    /// that waits for something else than the channel. False when the memory was not as expected,
    /// or some thread did not stop; then nothing was changed. Where all that is not as expected is
    /// what the patch puts there, it was made before, and the thread returns early again: it may
    /// have gone to wait since.
    pub fn interrupt(&self, patch: &Patch, thread: Pid) -> Result<bool, InjectionError> {
        self.change_running(patch, Some(thread))
    }

    /// Stops the running process and changes its memory. False when the memory was not as
    /// expected, or some thread did not stop; then nothing was done.
    pub fn change(&self, patch: &Patch) -> Result<bool, InjectionError> {
        self.change_running(patch, None)
    }

    fn change_running(&self, patch: &Patch, thread: Option<Pid>) -> Result<bool, InjectionError> {
        let patch = patch.clone();
        match ask(&self.guardian, &Request::Interrupt { patch, thread })? {
            Reply::Interrupted(interrupted) => Ok(interrupted?),
            _ => Err(misunderstood()),
        }
    }

    fn note(&self, request: &Request) -> Result<(), InjectionError> {
        match ask(&self.guardian, request)? {
            Reply::Noted => Ok(()),
            _ => Err(misunderstood()),
        }
    }
}

impl Frozen {
    /// Connects the process with this tool: a pair of sockets is made in it, of which it keeps
    /// one. Nobody else can reach them. Needs Linux 5.6.
    pub fn open_channel(&mut self) -> Result<Channel, InjectionError> {
        let mut guardian = lock(self.guardian());
        let reply = guardian.ask(&Request::OpenChannel);
        channel(&mut guardian, reply)
    }

    /// Gives the process a file without a name, and returns the number of its descriptor.
    pub fn open_file(&mut self, contents: &[u8]) -> Result<i32, InjectionError> {
        let contents = contents.to_vec();
        opened(lock(self.guardian()).ask(&Request::OpenFile { contents }))
    }

    /// Changes the memory of the process: true when that was done, false when the memory was not
    /// as expected and nothing was changed.
    pub fn apply(&mut self, patch: &Patch) -> Result<bool, InjectionError> {
        let patch = patch.clone();
        applied(ask(self.guardian(), &Request::Apply { patch })?)
    }

    /// Lets one thread call functions, on its own stack below what it uses, and all other threads
    /// go on. Signals of that thread wait meanwhile. Then it is put back to where it was, and goes
    /// on as well. Returns when it has begun, with how long the others stood still;
    /// [`Tracer::has_called`] tells of the end, and until then the tracer does nothing but what
    /// interrupts it. What was opened in the process belongs to what is called, unless that
    /// [fails](Routine::require).
    ///
    /// The thread has to be in a system call from which it could run any code, such as one in which
    /// it waits without a lock. What was begun goes on to its end.
    pub fn call(mut self, thread: Pid, routine: &Routine) -> Result<Duration, InjectionError> {
        let routine = routine.clone();
        match ask(self.guardian(), &Request::Call { thread, routine })? {
            Reply::Called(called) => {
                self.forget();
                Ok(called?)
            }
            _ => Err(misunderstood()),
        }
    }
}

impl ProcessClone {
    /// Connects it with this tool, as [`Frozen::open_channel`] does it with a process. Its thread is
    /// where it was in the process, then.
    pub fn open_channel(&self) -> Result<Channel, InjectionError> {
        let mut guardian = lock(self.guardian());
        let reply = guardian.ask(&Request::OpenChannelInClone);
        channel(&mut guardian, reply)
    }

    /// Changes its memory, like [`Frozen::apply`].
    pub fn apply(&self, patch: &Patch) -> Result<bool, InjectionError> {
        let patch = patch.clone();
        applied(ask(self.guardian(), &Request::ApplyToClone { patch })?)
    }

    /// The address of a function that its code can be made to call, so that
    /// [`run_until_called`](Self::run_until_called) notices.
    pub fn mark(&self) -> Result<RemoteAddress, InjectionError> {
        match ask(self.guardian(), &Request::Mark)? {
            Reply::Mark(mark) => mark
                .map(RemoteAddress::new)
                .ok_or(InjectionError::NoInstruction),
            _ => Err(misunderstood()),
        }
    }

    /// Lets it go on with what its thread was doing, until it calls the [`mark`](Self::mark)
    /// with this argument. Then it stands still.
    pub fn run_until_called(
        &self,
        argument: RemoteAddress,
        deadline: Duration,
    ) -> Result<(), InjectionError> {
        let argument = argument.get();
        ready(ask(
            self.guardian(),
            &Request::RunClone { argument, deadline },
        )?)
    }

    /// Makes it call functions, on the stack of its thread below what that uses. The last call is
    /// prepared only, and made when the clone is let go.
    pub fn call(&self, routine: &Routine, deadline: Duration) -> Result<(), InjectionError> {
        let routine = routine.clone();
        ready(ask(
            self.guardian(),
            &Request::CallInClone { routine, deadline },
        )?)
    }
}

fn ask(guardian: &Mutex<Guardian>, request: &Request) -> Result<Reply, InjectionError> {
    lock(guardian)
        .ask(request)
        .map_err(InjectionError::Guardian)
}

fn channel(guardian: &mut Guardian, reply: io::Result<Reply>) -> Result<Channel, InjectionError> {
    let theirs = opened(reply)?;
    let ours = guardian.receive_descriptor();
    let ours = ours.map_err(InjectionError::Guardian)?.into();
    Ok(Channel { ours, theirs })
}

fn opened(reply: io::Result<Reply>) -> Result<i32, InjectionError> {
    match reply.map_err(InjectionError::Guardian)? {
        Reply::Opened(number) => Ok(number?),
        _ => Err(misunderstood()),
    }
}

fn applied(reply: Reply) -> Result<bool, InjectionError> {
    match reply {
        Reply::Applied(applied) => Ok(applied?),
        _ => Err(misunderstood()),
    }
}

fn ready(reply: Reply) -> Result<(), InjectionError> {
    match reply {
        Reply::CloneReady(ready) => Ok(ready?),
        _ => Err(misunderstood()),
    }
}

fn misunderstood() -> InjectionError {
    InjectionError::Guardian(io::ErrorKind::InvalidData.into())
}

impl From<InjectionFailure> for InjectionError {
    fn from(failure: InjectionFailure) -> Self {
        match failure {
            InjectionFailure::Ended => Self::Ended,
            InjectionFailure::Filtered => Self::Filtered,
            InjectionFailure::NoInstruction => Self::NoInstruction,
            InjectionFailure::NoThread(thread) => Self::NoThread(thread),
            InjectionFailure::Interrupted => Self::Interrupted,
            InjectionFailure::Crashed(signal) => Self::Crashed(signal),
            InjectionFailure::Failed => Self::Failed,
            InjectionFailure::NotStopped | InjectionFailure::NoClone => Self::NotStopped,
            InjectionFailure::Replaced => Self::Replaced,
            InjectionFailure::Refused => Self::Refused,
            InjectionFailure::Traced { by, name } => Self::Traced { by, name },
            InjectionFailure::Os { step, errno } => Self::Os {
                step,
                source: io::Error::from_raw_os_error(errno),
            },
        }
    }
}
