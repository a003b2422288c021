//! Code that runs, and what may end it: its time, and signals.

use super::keys::{Key, Keys};
use crate::interrupts::Interrupts;
use exuvia_inject::{Line, Wish};
use signal_hook::consts::SIGINT;
use std::time::{Duration, Instant};

/// How long code that is to end may take to react to an interrupt before it gets another.
const REACTION: Duration = Duration::from_secs(1);
/// After so many it is left alone.
const ATTEMPTS: u32 = 3;

/// Decides what becomes of the code that runs.
///
/// A Ctrl-C is one interrupt, and what the code does with it is its own business. When its time is
/// over or the tool has to end, the code is to end as well, and is interrupted until it does.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    interrupts: &'a Interrupts,
    /// When its time is over, and what that time was.
    deadline: Option<(Instant, Duration)>,
    /// Why it was interrupted.
    ended: Option<End>,
    /// Since it is to end: how often it was interrupted, and when last.
    demanded: Option<(u32, Instant)>,
    keys: Keys,
}

/// Why code was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It took longer than this.
    Timeout(Duration),
    /// A signal, by its number.
    Signal(i32),
}

impl<'a> Watch<'a> {
    /// Code begins to run, and may take so long.
    pub(crate) fn new(interrupts: &'a Interrupts, timeout: Option<Duration>) -> Self {
        let deadline = timeout.and_then(|timeout| {
            let deadline = Instant::now().checked_add(timeout)?;
            Some((deadline, timeout))
        });
        Self {
            interrupts,
            deadline,
            ended: None,
            demanded: None,
            keys: Keys::default(),
        }
    }

    /// Why the code was interrupted, if it was.
    pub(crate) fn ended(&self) -> Option<End> {
        self.ended
    }

    /// The code asks for a line: it has dealt with every Ctrl-C before.
    pub(crate) fn reacted(&mut self) {
        self.keys = Keys::default();
        if self.demanded.is_none() {
            self.ended = None;
        }
    }

    /// Whether the code is to end, and so gets no line.
    pub(crate) fn is_to_end(&self) -> bool {
        let is_over = self.deadline.is_some_and(|(at, _)| Instant::now() >= at);
        self.demanded.is_some() || is_over
    }

    /// The same, or a signal came that is to be looked at.
    pub(crate) fn is_urgent(&self) -> bool {
        self.interrupts.received() || self.is_to_end()
    }

    /// The code gets an interrupt in place of a line, which is the one that was
    /// [wished](Self::wish).
    pub(crate) fn interrupts_line(&mut self) -> Line {
        // To leave, it is wished for again.
        let _ = self.wish();
        Line::Interrupt
    }

    /// What is to become of it now.
    pub(crate) fn wish(&mut self) -> Wish {
        let signal = self.interrupts.take();
        self.wish_at(Instant::now(), signal)
    }

    fn wish_at(&mut self, now: Instant, signal: Option<i32>) -> Wish {
        if let Some((attempts, last)) = self.demanded {
            let urged = signal.is_some_and(|signal| signal != SIGINT);
            if signal.is_none() && now.duration_since(last) < REACTION {
                return Wish::GoOn;
            }
            self.ended = signal
                .filter(|_| urged)
                .map_or(self.ended, |signal| Some(End::Signal(signal)));
            return match urged || attempts >= ATTEMPTS {
                true => Wish::Leave,
                false => self.demand(now, attempts + 1),
            };
        }
        if signal == Some(SIGINT) {
            self.ended = Some(End::Signal(SIGINT));
            return match self.keys.pressed(now) {
                Key::Interrupts => Wish::Interrupt,
                Key::Leaves => Wish::Leave,
            };
        }
        let over = self.deadline.filter(|&(deadline, _)| now >= deadline);
        let over = over.map(|(_, timeout)| End::Timeout(timeout));
        if let Some(end) = signal.map(End::Signal).or(over) {
            self.ended = Some(end);
            return self.demand(now, 1);
        }
        if let Some(note) = self.keys.note(now) {
            tell!("note: {note}");
        }
        Wish::GoOn
    }

    fn demand(&mut self, now: Instant, attempts: u32) -> Wish {
        self.demanded = Some((attempts, now));
        Wish::Interrupt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;
    use signal_hook::consts::SIGTERM;

    /// What is wished at these milliseconds, at which these signals come.
    fn wishes(watch: &mut Watch, events: &[(u64, Option<i32>)]) -> Vec<Wish> {
        let begun = Instant::now();
        let mut wishes = Vec::new();
        for &(at, signal) in events {
            wishes.push(watch.wish_at(begun + Duration::from_millis(at), signal));
        }
        wishes
    }

    #[test]
    fn a_key_is_one_interrupt() -> Result<(), Failure> {
        let interrupts = Interrupts::install()?;
        let mut watch = Watch::new(&interrupts, None);
        let events = [
            (0, Some(SIGINT)),
            (1500, None),
            (5000, None),
            (60_000, None),
        ];
        let [first, rest @ ..] = &wishes(&mut watch, &events)[..] else {
            return Err(Failure::new("no wishes"));
        };
        assert_eq!(*first, Wish::Interrupt);
        assert_eq!(rest, [Wish::GoOn; 3]);
        assert_eq!(watch.ended(), Some(End::Signal(SIGINT)));
        watch.reacted();
        assert_eq!(watch.ended(), None);
        Ok(())
    }

    #[test]
    fn what_is_to_end_is_interrupted_until_it_does() -> Result<(), Failure> {
        let interrupts = Interrupts::install()?;
        let mut watch = Watch::new(&interrupts, None);
        let events = [
            (0, Some(SIGTERM)),
            (500, None),
            (1000, None),
            (2000, None),
            (3000, None),
        ];
        let expected = [
            Wish::Interrupt,
            Wish::GoOn,
            Wish::Interrupt,
            Wish::Interrupt,
            Wish::Leave,
        ];
        assert_eq!(wishes(&mut watch, &events), expected);
        watch.reacted();
        assert_eq!(watch.ended(), Some(End::Signal(SIGTERM)));
        // A second signal is in a hurry, a Ctrl-C before is none.
        let mut watch = Watch::new(&interrupts, None);
        let events = [
            (0, Some(SIGINT)),
            (100, Some(SIGTERM)),
            (200, Some(SIGTERM)),
        ];
        let expected = [Wish::Interrupt, Wish::Interrupt, Wish::Leave];
        assert_eq!(wishes(&mut watch, &events), expected);
        Ok(())
    }
}
