//! Work on all cores.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// More threads than this gain nothing: the disk, and the thread that writes to it, are next.
const MAX_THREADS: usize = 8;

/// Does all jobs on threads of their own, while `consume` takes the results on this thread in
/// the order of the jobs. When `consume` returns early, jobs that were not begun are not done.
pub(crate) fn in_order<J: Sync, R: Send, T>(
    jobs: &[J],
    work: impl Fn(&J) -> R + Sync,
    consume: impl FnOnce(&mut Results<R>) -> T,
) -> T {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    // A small channel, so that a slow disk slows the workers down instead of filling memory.
    let (sender, receiver) = sync_channel(2);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()).min(MAX_THREADS) {
            let sender = sender.clone();
            scope.spawn(|| work_until_done(jobs, &next, &work, sender));
        }
        drop(sender);
        // The receiver goes before the scope ends, which stops the workers.
        consume(&mut Results {
            receiver,
            early: BTreeMap::new(),
            next: 0,
        })
    })
}

fn work_until_done<J, R>(
    jobs: &[J],
    next: &AtomicUsize,
    work: impl Fn(&J) -> R,
    results: SyncSender<(usize, R)>,
) {
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(job) = jobs.get(place) else { break };
        if results.send((place, work(job))).is_err() {
            break;
        }
    }
}

/// The results of [`in_order`].
pub(crate) struct Results<R> {
    receiver: Receiver<(usize, R)>,
    /// Results of later jobs that were done first.
    early: BTreeMap<usize, R>,
    next: usize,
}

impl<R> Results<R> {
    /// The result of the job that comes next; `None` after the last one. Calls `waiting` every
    /// now and then, and gives up with its error.
    pub(crate) fn next<E>(
        &mut self,
        mut waiting: impl FnMut() -> Result<(), E>,
    ) -> Result<Option<R>, E> {
        loop {
            waiting()?;
            if let Some(result) = self.early.remove(&self.next) {
                self.next += 1;
                return Ok(Some(result));
            }
            match self.receiver.recv_timeout(Duration::from_millis(20)) {
                Ok((place, result)) => {
                    self.early.insert(place, result);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}

/// Something to do once.
pub(crate) type Job<'a, E> = Box<dyn FnOnce() -> Result<(), E> + Send + 'a>;

/// Does all jobs, and gives the error of the first one, in their order, that failed.
pub(crate) fn all<E: Send>(jobs: Vec<Job<'_, E>>) -> Result<(), E> {
    let jobs: Vec<_> = jobs.into_iter().map(|job| Mutex::new(Some(job))).collect();
    let work = |job: &Mutex<Option<Job<'_, E>>>| {
        let job = job.lock().ok().and_then(|mut job| job.take());
        job.map_or(Ok(()), |job| job())
    };
    in_order(&jobs, work, |results| {
        while let Some(result) = results.next(|| Ok(()))? {
            result?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let jobs: Vec<u32> = (0..1000).collect();
        let squares = in_order(
            &jobs,
            |&job| job * job,
            |results| {
                let mut squares = Vec::new();
                while let Ok(Some(square)) = results.next(|| Ok::<_, ()>(())) {
                    squares.push(square);
                }
                squares
            },
        );
        assert!(squares.into_iter().eq((0..1000).map(|job| job * job)));
    }

    #[test]
    fn the_first_error_is_told() {
        let jobs: Vec<Job<'_, u32>> = (0..20u32)
            .map(|job| -> Job<'_, u32> {
                Box::new(move || if job < 7 { Ok(()) } else { Err(job) })
            })
            .collect();
        assert_eq!(all(jobs), Err(7));
    }
}
