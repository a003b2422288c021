//! Bringing code into a live process: from the first stop to its first words.

mod attempt;
mod door;
mod entrance;
mod errors;
mod live;
pub(crate) mod memory;
mod namespaces;
mod patience;
mod script_file;
mod serving;
pub(crate) mod stage;

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use exuvia_tracee::Process;

use crate::Delivery;
use crate::entry::{ThreadSituation, Wanted};
use attempt::Attempt;

pub(crate) use door::Door;
pub use entrance::Entrance;
pub use errors::AttachError;
pub use live::{Grip, Live, StoodStill};

/// What is to be brought in, and how.
pub struct Wish<'a> {
    /// In which thread it is to run.
    pub wanted: Wanted,
    /// The Python code, for a channel that has this number in the process. The first that it
    /// writes there says that it is in.
    pub code: &'a dyn Fn(i32) -> Delivery,
    /// For how long this is tried.
    pub wait: Duration,
    /// Set when the user wants to give up.
    pub interrupt: &'a AtomicBool,
    /// Told once when it takes longer than a second: what each thread is doing.
    pub notice: &'a dyn Fn(&[ThreadSituation]),
}

impl fmt::Debug for Wish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, wait, .. } = self;
        f.debug_struct("Wish")
            .field("wanted", wanted)
            .field("wait", wait)
            .finish_non_exhaustive()
    }
}

/// Brings code into a process, by the best way there is, and returns when it has said
/// something, which waits in the stream to be read.
///
/// The process stands still for about a millisecond, more often if the first way does not
/// lead in soon. After a failure nothing is left in it.
pub fn attach(process: &Process, entrance: Entrance, wish: &Wish<'_>) -> Result<Live, AttachError> {
    if matches!(process.state(), 'T') {
        return Err(AttachError::Stopped(process.pid()));
    }
    Attempt::begin(process, entrance, wish)?.until_in()
}
