//! What a way in gives: a connection to code that answers in the target.

use std::error::Error;
use std::fmt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The target is about to answer, or already does, on a socket that only it and the tool have.
#[derive(Debug)]
pub struct Attached {
    /// Our end; [`crate::Session::open`] speaks on it. Closing it ends the server in the target.
    pub stream: UnixStream,
    /// Whether the server has said hello to another tool before: in a copy that is kept.
    pub is_known: bool,
    /// The copy that it runs in, by its number where the tool runs; none for the process itself.
    pub copy: Option<i32>,
    /// How it got in, in words for people: what `--verbose` shows.
    pub way: String,
    /// How long the live process stood still for it, in all.
    pub stopped: Duration,
    /// Stops the code that runs. Dropping it gives up what the way in holds, such as the guardian
    /// or the clone.
    pub interrupter: Box<dyn Interrupter + Send>,
}

/// Raises `KeyboardInterrupt` in the thread of the target that serves.
pub trait Interrupter: fmt::Debug {
    /// Called once, when the server has said who it is: from then on it has to end when this tool
    /// does, whatever it is doing.
    fn begun(&self, thread: &ServingThread) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Lets what the code runs in outlive this tool for so long: a copy of a process can be kept.
    fn keep(&mut self, time: Duration) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Called when the connection is lost: what became of the copy that the code ran in, if it has
    /// ended, in words for people.
    fn ended(&self) -> Option<String>;

    /// Called when the server has closed the connection because the session is over: waits until
    /// its thread is gone, where it has one of its own.
    fn over(&self, thread: &ServingThread);

    /// Called when the server has been silent for a while: whether its thread may still be there. The
    /// connection does not tell where a child process has a copy of the other end.
    fn may_serve(&self, thread: &ServingThread) -> bool;

    /// Called when the session ends while code runs: nobody waits until that is interrupted.
    fn left(&self);

    /// Called only while the server runs code; one that has just ended by then makes no difference,
    /// since the server expects interrupts until it has closed its descriptor.
    fn interrupt(&self, thread: &ServingThread) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// The thread of the target that serves, as it said itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServingThread {
    /// `_thread.get_ident()`, which is `pthread_self()`.
    pub ident: u64,
    /// `_thread.get_native_id()`: the kernel's number, as the target's PID namespace has it.
    pub native_id: u64,
    /// `os.getpid()`, in that namespace as well.
    pub pid: u64,
    /// The address of an object that raises `KeyboardInterrupt` when it is asked whether it is true.
    pub alarm: u64,
}
