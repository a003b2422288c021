//! Stopping threads where some of them may not stop.

use std::path::Path;
use std::time::{Duration, Instant};

use super::threads::Pause;
use crate::protocol::InjectionFailure;

/// How long the end of a thread may take.
const ENDING: Duration = Duration::from_secs(1);

/// Does something to the target in a thread of its own. A thread of the target that was asked to
/// stop and did not is let go of by the kernel when the thread ends that asked; otherwise it would
/// stop later, when nobody looks, for as long as this process lives.
pub(super) fn in_passing<T: Send>(
    work: impl FnOnce() -> Result<T, InjectionFailure> + Send,
) -> Result<T, InjectionFailure> {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().spawn_scoped(scope, || {
            let worker = std::fs::read_link("/proc/thread-self");
            (worker, work())
        });
        let worker =
            worker.map_err(|error| InjectionFailure::os("starting a thread to trace", &error))?;
        match worker.join() {
            Ok((worker, done)) => {
                if let Ok(worker) = worker {
                    wait_for_end(&Path::new("/proc").join(worker));
                }
                done
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Joining a thread does not wait until the kernel has undone what it traced.
fn wait_for_end(thread: &Path) {
    let until = Instant::now() + ENDING;
    let mut pause = Pause::new();
    while thread.exists() && Instant::now() < until {
        pause.take();
    }
}
