//! Tracing, seen from the one thread that does it.
//!
//! Everything here blocks only for as long as it is told, and undoes itself on drop.

pub(crate) mod beside;
mod calls;
mod confinement;
mod edit;
mod estate;
mod filter;
mod free;
mod inject;
mod injection;
mod jail;
mod monitored;
mod nudge;
mod passing;
pub(crate) mod ptrace;
mod run;
mod session;
mod site;
mod threads;

pub(crate) use confinement::FreeClone;
pub(crate) use session::Session;
pub(crate) use threads::Patience;
