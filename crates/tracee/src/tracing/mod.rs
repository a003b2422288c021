//! Tracing, seen from the one thread that does it.
//!
//! Everything here blocks only for as long as it is told, and undoes itself on drop.

mod filter;
mod inject;
mod jail;
mod monitored;
pub(crate) mod ptrace;
mod session;
mod site;
mod threads;

pub(crate) use session::Session;
pub(crate) use threads::Patience;
