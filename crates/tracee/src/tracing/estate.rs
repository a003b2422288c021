use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use super::Session;
use super::calls::Caller;
use super::threads::{Patience, Pause};
use crate::Pid;
use crate::protocol::{InjectionFailure, Will};

/// What a session has left in the target.
#[derive(Default)]
pub(crate) struct Estate {
    /// Descriptors of the target that are ours, until somebody in the target has taken them over.
    pub(super) descriptors: Vec<Descriptor>,
    /// The channel, taken over or not.
    pub(super) channel: Option<Descriptor>,
    /// What became of the last calls of the target's functions.
    pub(super) called: Option<Result<(), InjectionFailure>>,
    /// What is to be done in the target when nobody says otherwise any more.
    pub(super) will: Option<Will>,
}

/// A descriptor of the target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Descriptor {
    pub(super) number: i32,
    /// The device and the inode of what it leads to, by which it is known again. All files without
    /// a name that are ours have the same path in `/proc/PID/fd`.
    is: Option<(u64, u64)>,
}

/// How long threads may take to stop.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long code that was left alone is interrupted again and again, and how often.
pub(super) const INTERRUPTING: Duration = Duration::from_secs(30);
pub(super) const PAUSE: Duration = Duration::from_millis(200);

impl Session {
    /// Who is gone can't say any more what it wants: its will is done.
    pub(super) fn settle(&mut self) {
        match self.estate.will.take() {
            None => self.close_descriptors(),
            Some(Will::Withdraw(patch)) => {
                // What was taken up has taken the descriptors as well.
                let withdrawn = self.while_stopped(|session| session.apply(&patch));
                if let Some(Ok(true)) = withdrawn {
                    self.close_descriptors();
                }
            }
            Some(Will::Interrupt { patch, thread }) => {
                self.estate.descriptors.clear();
                let until = Instant::now() + INTERRUPTING;
                // One that is not busy notices by itself that the other end is closed.
                while !self.ends_soon(thread) && Instant::now() < until {
                    if self.interrupt(&patch, Some(thread)).is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Whether what serves in a thread ends by itself, and soon.
    fn ends_soon(&self, thread: Pid) -> bool {
        let until = Instant::now() + PAUSE;
        let mut pause = Pause::new();
        while self.process.has_thread(thread) && self.estate.is_served(self.process.pid()) {
            if Instant::now() >= until {
                return false;
            }
            pause.take();
        }
        true
    }

    fn close_descriptors(&mut self) {
        if self.estate.descriptors.is_empty() {
            return;
        }
        let ours = std::mem::take(&mut self.estate.descriptors);
        self.while_stopped(|session| {
            let (pid, site) = (session.process.pid(), session.site);
            let (Some(threads), Some(site)) = (session.threads.as_mut(), site) else {
                return;
            };
            for descriptor in ours.iter().filter(|one| one.is_still_there(pid)) {
                let _ = Caller::in_target(pid, threads, site).close(descriptor.number);
            }
        });
    }

    /// Does something while all threads stand still; `None` when they can't be stopped.
    pub(super) fn while_stopped<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let patience = Patience {
            until: Instant::now() + PATIENCE,
            cancelled: &|| false,
        };
        self.freeze(&patience).ok()?;
        let done = work(self);
        self.release();
        Some(done)
    }
}

impl Estate {
    /// Whether code in the target still has the channel, if there is one. When it has closed it, it is over, and
    /// its thread may be doing something else.
    pub(super) fn is_served(&self, pid: Pid) -> bool {
        self.channel
            .as_ref()
            .is_none_or(|channel| channel.is_still_there(pid))
    }

    /// The number of the channel.
    pub(super) fn channel_number(&self) -> Option<i32> {
        self.channel.as_ref().map(|channel| channel.number)
    }
}

impl Descriptor {
    pub(super) fn of(pid: Pid, number: i32) -> Self {
        let file = std::fs::metadata(format!("/proc/{pid}/fd/{number}"));
        Self {
            number,
            is: file.ok().map(|file| (file.dev(), file.ino())),
        }
    }

    /// Numbers are given to others when they are free again.
    fn is_still_there(&self, pid: Pid) -> bool {
        self.is.is_some() && Self::of(pid, self.number) == *self
    }
}
