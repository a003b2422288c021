//! Getting in: which ways there are into an interpreter at a moment, and what each takes.
//!
//! [`RuntimeState::read`] reads what matters from a process that stands still, [`decide`]
//! chooses a [`Way`], and [`PendingCall`], [`ScriptRequest`] and [`Symbols::run`] are the
//! ways. Nothing here touches the process: what is to be done are patches and routines.

mod alarm;
mod copy;
mod decide;
mod interrupt;
mod post;
mod read;
mod ring;
mod routine;
mod script;
mod situation;
mod state;
mod symbols;
mod system_calls;
#[cfg(test)]
mod tests;
mod thread;

pub use alarm::{post_alarm, remember_alarm};
pub use copy::{CopyStart, ThreadToCopy, detach_others, post_in_copy};
pub use decide::{Decision, Moment, Refusal, Wanted, Way, decide, refusal, situations};
pub use interrupt::interrupt;
pub use post::{PendingCall, Withdrawal};
pub use ring::Ring;
pub use script::ScriptRequest;
pub use situation::{Activity, ThreadSituation};
pub use state::{GilState, Phase, RemoteDebugging, RuntimeState};
pub use symbols::{MissingSymbols, Symbols};
pub use thread::{Attachment, PythonThread};
