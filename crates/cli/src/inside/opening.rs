//! The wait until the code in a process is ready.

use super::keys::{Key, Keys};
use crate::interrupts::Interrupts;
use exuvia_inject::{Attached, Console, Line, Stream, Wish};
use signal_hook::consts::SIGINT;
use std::io;
use std::time::{Duration, Instant};

/// How long a copy that was kept is silent before the user is told why.
const SILENCE: Duration = Duration::from_secs(1);

/// As long as the user has patience.
pub(super) struct Opening<'a> {
    interrupts: &'a Interrupts,
    /// None for ever.
    until: Option<Instant>,
    /// In a copy that was kept.
    earlier: Option<Earlier>,
}

/// Code of an earlier session, which may still run. Nobody sees any more what it prints, but what it
/// does to the copy may be wanted: it is the user who ends it.
struct Earlier {
    since: Instant,
    is_told: bool,
    keys: Keys,
}

impl<'a> Opening<'a> {
    pub(super) fn of(attached: &Attached, interrupts: &'a Interrupts, wait: Duration) -> Self {
        let now = Instant::now();
        Self {
            interrupts,
            until: now.checked_add(wait),
            earlier: attached.is_known.then(|| Earlier {
                since: now,
                is_told: false,
                keys: Keys::default(),
            }),
        }
    }
}

impl Console for Opening<'_> {
    fn output(&mut self, _: Stream, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn line(&mut self) -> Line {
        Line::End
    }

    fn wish(&mut self) -> Wish {
        let now = Instant::now();
        if self.until.is_some_and(|until| now > until) {
            return Wish::Leave;
        }
        match &mut self.earlier {
            Some(earlier) => earlier.wish(self.interrupts, now),
            None if self.interrupts.received() => Wish::Leave,
            None => Wish::GoOn,
        }
    }
}

impl Earlier {
    fn wish(&mut self, interrupts: &Interrupts, now: Instant) -> Wish {
        if interrupts.received_other_than(SIGINT) {
            return Wish::Leave;
        }
        if interrupts.take().is_some() {
            return match self.keys.pressed(now) {
                Key::Interrupts => Wish::Interrupt,
                Key::Leaves => Wish::Leave,
            };
        }
        if !self.is_told && now.duration_since(self.since) >= SILENCE {
            self.is_told = true;
            tell!("note: code of an earlier session still runs in the copy; Ctrl-C interrupts it");
        }
        if let Some(note) = self.keys.note(now) {
            tell!("note: {note}");
        }
        Wish::GoOn
    }
}
