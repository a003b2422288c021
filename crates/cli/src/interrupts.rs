//! Ctrl-C, SIGTERM and SIGHUP.

use crate::error::Failure;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Signals that ask for the end.
///
/// While a process is being captured, or a file written, such a signal only sets a flag:
/// the work looks at it, and leaves through its guards, so that the target runs on and
/// nothing half-done stays behind. A second signal changes nothing. At all other times a
/// signal ends the program at once.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    /// The number of the last signal; 0 before the first.
    received: Arc<AtomicUsize>,
    /// Whether there was one, for waits that look at a flag.
    any: Arc<AtomicBool>,
    /// Whether a signal ends the program at once.
    at_once: Arc<AtomicBool>,
}

/// While this lives, signals wait to be looked at.
#[must_use]
pub(crate) struct Deferred {
    at_once: Arc<AtomicBool>,
    /// Whether a signal ended the program at once before.
    before: bool,
}

impl Interrupts {
    /// Takes the signals over from the system's defaults.
    pub(crate) fn install() -> Result<Self, Failure> {
        let this = Self {
            received: Arc::new(AtomicUsize::new(0)),
            any: Arc::new(AtomicBool::new(false)),
            at_once: Arc::new(AtomicBool::new(true)),
        };
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            this.take_over(signal).map_err(|error| {
                Failure::new(format_args!("cannot handle signal {signal}: {error}"))
            })?;
        }
        Ok(this)
    }

    fn take_over(&self, signal: i32) -> std::io::Result<()> {
        // Actions run in the order in which they are registered.
        let number = usize::try_from(signal).unwrap_or(0);
        flag::register_usize(signal, Arc::clone(&self.received), number)?;
        flag::register(signal, Arc::clone(&self.any))?;
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&self.at_once))?;
        Ok(())
    }

    /// From here on signals wait, until the result is dropped.
    pub(crate) fn defer(&self) -> Deferred {
        Deferred {
            before: self.at_once.swap(false, Ordering::SeqCst),
            at_once: Arc::clone(&self.at_once),
        }
    }

    /// Whether a signal asked for the end.
    pub(crate) fn received(&self) -> bool {
        self.received.load(Ordering::Relaxed) != 0
    }

    /// Whether another signal than this one asked for the end.
    pub(crate) fn received_other_than(&self, signal: i32) -> bool {
        let received = self.received.load(Ordering::Relaxed);
        received != 0 && i32::try_from(received) != Ok(signal)
    }

    /// The last signal that asked for the end, which then counts as answered: what it interrupts
    /// is not the program.
    pub(crate) fn take(&self) -> Option<i32> {
        let signal = self.received.swap(0, Ordering::SeqCst);
        self.any.store(false, Ordering::SeqCst);
        i32::try_from(signal).ok().filter(|&signal| signal != 0)
    }

    /// Forgets a Ctrl-C that came when there was nothing left to interrupt.
    pub(crate) fn forget_late(&self) {
        let late = usize::try_from(SIGINT).unwrap_or(0);
        let received = &self.received;
        let forgotten = received.compare_exchange(late, 0, Ordering::SeqCst, Ordering::SeqCst);
        if forgotten.is_ok() {
            self.any.store(false, Ordering::SeqCst);
        }
    }

    /// A flag that is set once a signal asked for the end.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.any
    }

    /// A failure once a signal asked for the end.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.received.load(Ordering::SeqCst) {
            0 => Ok(()),
            signal => Err(Failure::Interrupted(i32::try_from(signal).unwrap_or(0))),
        }
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        self.at_once.store(self.before, Ordering::SeqCst);
    }
}
