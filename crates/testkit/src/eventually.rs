use anyhow::Result;
use std::time::{Duration, Instant};

/// How long something may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until what can't be waited for otherwise is so; the last error when it does not become so.
pub(crate) fn eventually<T>(mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let found = look();
        if found.is_ok() || Instant::now() >= deadline {
            return found;
        }
    }
}
