//! Ctrl-C, pressed while code runs.

use std::time::{Duration, Instant};

/// How long code may take to react to a Ctrl-C before the user is told what another one does.
const REACTION: Duration = Duration::from_secs(1);
/// After so long without a Ctrl-C, the next one is a first one again.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// The keys that were pressed, one soon after the other, since the code has last reacted.
///
/// Each is an interrupt. Only who has been told so leaves the code by another one: neither somebody
/// who presses the key three times at once, nor somebody who does so every minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Keys {
    /// When the first and the last were pressed.
    pressed: Option<(Instant, Instant)>,
    /// Whether there were more than one.
    repeated: bool,
    told: Told,
}

/// What the user knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Told {
    #[default]
    Nothing,
    /// That the code has not reacted.
    StillRuns,
    /// That another Ctrl-C leaves it.
    LeavesNext,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// It interrupts the code.
    Interrupts,
    /// Nobody waits for the code any more.
    Leaves,
}

impl Keys {
    /// One more is pressed.
    pub(super) fn pressed(&mut self, now: Instant) -> Key {
        match self.pressed {
            Some((first, last)) if now.duration_since(last) < FORGOTTEN => {
                if self.told == Told::LeavesNext {
                    return Key::Leaves;
                }
                self.pressed = Some((first, now));
                self.repeated = true;
            }
            _ => {
                *self = Self::default();
                self.pressed = Some((now, now));
            }
        }
        Key::Interrupts
    }

    /// What the user should know by now, once.
    pub(super) fn note(&mut self, now: Instant) -> Option<&'static str> {
        let (first, _) = self.pressed?;
        if now.duration_since(first) < REACTION {
            return None;
        }
        let (told, text) = match self.repeated {
            true => (
                Told::LeavesNext,
                "the code was interrupted again and still runs; one more Ctrl-C within 10 seconds leaves it",
            ),
            false => (
                Told::StillRuns,
                "the code was interrupted and still runs; Ctrl-C interrupts it again",
            ),
        };
        (std::mem::replace(&mut self.told, told) != told).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At so many milliseconds after the beginning.
    struct Clock(Instant);

    impl Clock {
        fn at(&self, milliseconds: u64) -> Instant {
            self.0 + Duration::from_millis(milliseconds)
        }
    }

    #[test]
    fn who_was_told_leaves() {
        let (clock, mut keys) = (Clock(Instant::now()), Keys::default());
        assert_eq!(keys.note(clock.at(0)), None);
        assert_eq!(keys.pressed(clock.at(0)), Key::Interrupts);
        assert_eq!(keys.note(clock.at(900)), None);
        let note = keys.note(clock.at(1000));
        assert!(note.is_some_and(|note| note.contains("interrupts it again")));
        assert_eq!(keys.note(clock.at(1050)), None);
        assert_eq!(keys.pressed(clock.at(2000)), Key::Interrupts);
        let note = keys.note(clock.at(2050));
        assert!(note.is_some_and(|note| note.contains("leaves it")));
        assert_eq!(keys.note(clock.at(2100)), None);
        assert_eq!(keys.pressed(clock.at(3000)), Key::Leaves);
    }

    #[test]
    fn a_burst_leaves_nothing_alone() {
        let (clock, mut keys) = (Clock(Instant::now()), Keys::default());
        for at in [0, 100, 200, 300, 400] {
            assert_eq!(keys.pressed(clock.at(at)), Key::Interrupts);
            assert_eq!(keys.note(clock.at(at + 50)), None);
        }
        let note = keys.note(clock.at(1000));
        assert!(note.is_some_and(|note| note.contains("leaves it")));
        assert_eq!(keys.pressed(clock.at(1100)), Key::Leaves);
    }

    #[test]
    fn keys_are_forgotten() {
        let (clock, mut keys) = (Clock(Instant::now()), Keys::default());
        for minute in 0..10 {
            let at = minute * 60_000;
            assert_eq!(keys.pressed(clock.at(at)), Key::Interrupts);
            assert!(keys.note(clock.at(at + 1000)).is_some());
        }
    }
}
