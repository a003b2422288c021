//! What tests of exuvia need: interpreters, Python processes that answer, and the oracle.
//!
//! * [`interpreters()`] finds every Python of the machine, and says which are supported.
//! * [`Target`] starts a Python program and talks with it over pipes; whatever happens to
//!   the test, the process is ended by its own id and reaped.
//! * [`Fingerprint`] says what the kernel shows of a process, so that a test can assert that
//!   exuvia left it as it was.
//! * [`Exuvia`] runs the tool and reads what it says.
//! * [`cores`] makes core files of processes.
//! * [`Packages`] installs extension libraries for an interpreter, [`Unpacked`] those that
//!   only Debian has.
//! * [`RayWorker`] starts a worker of Ray in namespaces of its own.
//! * [`native_zoo`] compiles an extension module with good and bad types.
//! * [`oracle`] compares a snapshot with what the interpreter says of itself.
//!
//! The programs that targets run lie in `programs/`, one file each. They end by themselves
//! when the pipe to the test is closed, so that nothing stays when a test is killed.

mod cache;
mod container;
pub mod cores;
mod debian;
mod disguise;
mod embedded;
mod fingerprint;
mod interpreters;
pub mod native_zoo;
pub mod oracle;
mod origin;
mod packages;
mod planted;
mod ray;
pub mod refcounts;
mod root;
mod signals;
mod sources;
mod support;
mod target;
mod tool;

pub use cache::{cache_folder, gathered_folder};
pub use container::{Container, Place};
pub use debian::{FromDebian, Unpacked};
pub use embedded::{Embedding, appserver};
pub use fingerprint::{Fingerprint, state_of, tracer_of, zombies_of};
pub use interpreters::{Interpreter, interpreters, newest, supported, unsupported};
pub use origin::Origin;
pub use packages::Packages;
pub use planted::{PLANTED, Planted};
pub use ray::RayWorker;
pub use root::is_root;
pub use signals::{send_signal, wait_until_exited, wait_until_stopped};
pub use support::{SUPPORT_VARIABLE, SupportRecord, hand_over_rules, unneeded_rules};
pub use target::{Launch, Target};
pub use tool::{Exuvia, Outcome, Running};
