use std::time::{Duration, Instant};

/// After what time another look is worth a stop of the process, and the longest such time.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(500);
/// After what time the user is told.
const SILENT: Duration = Duration::from_secs(1);

/// How long it was tried, and when to look again.
#[derive(Debug)]
pub(super) struct Patience {
    since: Instant,
    wait: Duration,
    step: Duration,
    told: bool,
}

impl Patience {
    pub(super) fn new(wait: Duration) -> Self {
        Self {
            since: Instant::now(),
            wait,
            step: FIRST,
            told: false,
        }
    }

    /// Until when to wait before the next look; each time is twice as long as the one before.
    pub(super) fn next_look(&mut self) -> Instant {
        let step = self.step;
        self.step = (step * 2).min(LONGEST);
        let end = self.since + self.wait;
        (Instant::now() + step).min(end)
    }

    pub(super) fn is_over(&self) -> bool {
        self.since.elapsed() >= self.wait
    }

    pub(super) fn waited(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether it is time to tell the user; true only once.
    pub(super) fn is_to_be_told(&mut self) -> bool {
        let now = !self.told && self.since.elapsed() >= SILENT;
        self.told |= now;
        now
    }
}
