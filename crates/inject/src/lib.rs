//! Running Python code in a process, or in a copy of it.
//!
//! [`entry`] knows which ways there are into an interpreter. [`attach`] takes one of them into a
//! live process, [`copy`] into a clone that is made for it. The Python that serves in either is in
//! `python/`, [`program()`] is its text, and [`Session`] talks with it.

mod answers;
pub mod attach;
mod attached;
mod console;
pub mod copy;
pub mod entry;
mod payloads;
mod program;
mod protocol;
mod requests;
mod session;

pub use answers::{Completions, Exception, Hello, Outcome};
pub use attached::{Attached, Interrupter, ServingThread};
pub use console::{Console, Line, Wish};
pub use payloads::{PAYLOADS, Payload};
pub use program::{Delivery, Place, program, stash};
pub use protocol::{ProtocolError, Stream};
pub use requests::{Begin, Namespace, Program};
pub use session::{Session, SessionError};
