//! What tests of exuvia need: interpreters, Python processes that answer, and the oracle.
//!
//! * [`interpreters()`] finds every Python of the machine, and says which are supported.
//! * [`Target`] starts a Python program and talks with it over pipes; whatever happens to
//!   the test, the process is ended by its own id and reaped.
//! * [`Fingerprint`] says what the kernel shows of a process, so that a test can assert that
//!   exuvia left it as it was.
//! * [`ServingAtRest`] is the same from within as well, for the program that serves code.
//! * [`Terminal`] runs a program at a pseudo-terminal.
//! * [`Exuvia`] runs the tool and reads what it says.
//! * [`LoadedServer`] is a server whose clients check every byte of its answers, [`Wreck`] what
//!   somebody may do to a copy of it, and [`clock`] tells for how long a process stood still.
//! * [`cores`] makes core files of processes.
//! * [`Packages`] installs extension libraries for an interpreter, [`Unpacked`] those that
//!   only Debian has.
//! * [`RayWorker`] starts a worker of Ray in namespaces of its own.
//! * [`native_zoo`] compiles an extension module with good and bad types.
//! * [`Trials`] are tests, one for each interpreter.
//! * [`oracle`] compares a snapshot with what the interpreter says of itself.
//!
//! The programs that targets run lie in `programs/`, one file each. They end by themselves
//! when the pipe to the test is closed, so that nothing stays when a test is killed.

mod cache;
pub mod clock;
mod container;
pub mod cores;
mod debian;
mod descendants;
mod disguise;
mod embedded;
mod eventually;
mod fingerprint;
mod interpreters;
mod load;
mod loaded;
pub mod native_zoo;
pub mod oracle;
mod origin;
mod packages;
mod planted;
mod ray;
pub mod refcounts;
mod root;
mod serving;
mod signals;
mod sources;
mod support;
mod target;
mod terminal;
mod tool;
mod trials;
mod wreck;

pub use cache::{cache_folder, gathered_folder};
pub use container::{Container, Place};
pub use debian::{FromDebian, Unpacked};
pub use embedded::{Embedding, appserver};
pub use fingerprint::{Fingerprint, state_of, tracer_of, zombies_of};
pub use interpreters::{Interpreter, interpreters, newest, supported, unsupported};
pub use load::{Load, Served};
pub use loaded::{AtRest, LoadedServer};
pub use origin::Origin;
pub use packages::Packages;
pub use planted::{PLANTED, Planted};
pub use ray::RayWorker;
pub use root::is_root;
pub use serving::ServingAtRest;
pub use signals::{send_signal, wait_until_exited, wait_until_stopped};
pub use support::{SUPPORT_VARIABLE, SupportRecord, hand_over_rules, unneeded_rules};
pub use target::{Launch, Target};
pub use terminal::Terminal;
pub use tool::{Exuvia, Outcome, Running};
pub use trials::{Check, Trials};
pub use wreck::Wreck;
