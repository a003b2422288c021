//! A clone that runs freely, from the point of view of what was done before and what follows.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use procfs::process::LimitValue;
use rustix::process::{Resource, Rlimit, prlimit};

use super::Session;
use super::confinement::{self, FreeClone};
use super::edit;
use super::nudge::{nudge, waits_for_lock};
use crate::arch::Registers;
use crate::guardian::Connection;
use crate::keeper::Keeping;
use crate::protocol::{Child, ConfineFailure, InjectionFailure, errno};
use crate::{CloneStatus, Confined, Confinement, Patch, Pid};

/// What a clone needs to run freely.
#[derive(Default)]
pub(super) struct Freedom {
    /// The number of the channel in the clone, and our end of it.
    pub(super) channel: Option<(i32, OwnedFd)>,
    /// The clone, once it is confined.
    pub(super) clone: Option<FreeClone>,
    /// Where others find it when the tool is gone.
    keeping: Option<Keeping>,
}

impl Session {
    /// Makes the clone ready to run freely.
    pub(crate) fn confine(&mut self, bounds: &Confinement) -> Result<Confined, ConfineFailure> {
        let child = self.child.ok_or(ConfineFailure::Ended)?;
        let site = self.site.ok_or(ConfineFailure::Ended)?;
        let original = self.original.as_ref().ok_or(ConfineFailure::Ended)?;
        let (free, confined) = confinement::confine(child, site, original, bounds)?;
        self.freedom.clone = Some(free);
        Ok(confined)
    }

    /// The clone, once it is confined.
    pub(crate) fn free_clone(&mut self) -> Result<&mut FreeClone, ConfineFailure> {
        let clone = self.freedom.clone.as_mut();
        clone.ok_or(ConfineFailure::NotConfined)
    }

    /// Sees to a clone that runs until something can be read from the connection. A clone that
    /// has ended is reaped at once. Tools that want to use a kept one have to wait.
    pub(crate) fn attend(&mut self, connection: BorrowedFd) {
        while self.look_after(Some(connection)) == Some(Peer::Another) {
            if let Some(keeping) = &self.freedom.keeping {
                keeping.turn_away();
            }
        }
    }

    /// Lets the clone go on when the connection closes, for so long from now.
    pub(crate) fn keep(&mut self, time: Duration) -> Result<CloneStatus, ConfineFailure> {
        let free = self.free_clone()?;
        let status = free.status();
        if status.has_ended() {
            return Err(ConfineFailure::Ended);
        }
        let pid = free.pid();
        free.end_at(Instant::now() + time);
        if self.freedom.keeping.is_none() {
            let keeping = Keeping::of(pid);
            let keeping = keeping.map_err(|error| ConfineFailure::NotKept(errno(&error)))?;
            self.freedom.keeping = Some(keeping);
        }
        Ok(status)
    }

    /// Sees to a clone that is kept until another tool wants to use it, or it has ended: nothing.
    pub(crate) fn wait_for_tool(&mut self) -> Option<Connection> {
        self.freedom.keeping.as_ref()?;
        // The tool before may have gone in the middle of something.
        self.release();
        self.settle();
        loop {
            self.free_clone().ok()?.let_go().ok()?;
            if self.look_after(None) != Some(Peer::Another) {
                return None;
            }
            let keeping = self.freedom.keeping.as_ref()?;
            if let Some(connection) = keeping.let_in() {
                return Some(connection);
            }
        }
    }

    /// The clone that there is.
    pub(crate) fn clone_at_hand(&self) -> Option<Child> {
        self.child
    }

    /// The number of the channel in the clone, and our end of it.
    pub(crate) fn channel_of_clone(&self) -> Result<(i32, OwnedFd), InjectionFailure> {
        let (theirs, ours) = self
            .freedom
            .channel
            .as_ref()
            .ok_or(InjectionFailure::NoClone)?;
        let ours = ours.try_clone();
        let ours = ours.map_err(|error| InjectionFailure::os("duplicating the channel", &error))?;
        Ok((*theirs, ours))
    }

    /// Changes the memory of the running clone, and lets its first thread return early from a call
    /// that waits; in another way where it waits for a lock. False when the memory was not as
    /// expected, or it does not stop now.
    pub(crate) fn interrupt_clone(
        &mut self,
        patch: &Patch,
        at_lock: Option<&Patch>,
    ) -> Result<bool, InjectionFailure> {
        let channel = self.freedom.channel.as_ref().map(|(number, _)| *number);
        let free = self.free_clone().map_err(|_| InjectionFailure::NoClone)?;
        let tid = free.pid().0;
        match free.hold() {
            Ok(CloneStatus::Stopped) => {}
            // It sleeps in the kernel, and goes on when that is over; who still wants it asks again.
            Err(ConfineFailure::DoesNotStop) => return Ok(false),
            // It has ended, which is found out and said in another way.
            Ok(_) => return Ok(false),
            Err(other) => return Err(failure(other)),
        }
        // If they can't be read, the thread waits on.
        let registers = Registers::of(tid).ok();
        let waits_for_lock = registers.as_ref().is_some_and(waits_for_lock);
        let at_lock = at_lock.filter(|_| waits_for_lock);
        // It may have been on its way into a call when it was interrupted, and wait there now.
        let is_told = at_lock.is_none()
            && edit::open_memory(Pid(tid)).is_ok_and(|memory| edit::is_made(patch, &memory));
        let applied = self.apply_to_clone(at_lock.unwrap_or(patch));
        if let (Ok(applied), Some(registers)) = (&applied, registers)
            && (*applied || is_told)
        {
            match at_lock {
                Some(_) => {
                    let result = -i64::from(libc::EINTR);
                    let _ = registers.returning(result).apply(tid);
                }
                None => nudge(tid, &registers, channel),
            }
        }
        let free = self.free_clone().map_err(failure)?;
        free.let_go().map_err(failure)?;
        applied
    }

    fn look_after(&mut self, connection: Option<BorrowedFd>) -> Option<Peer> {
        let keeping = self.freedom.keeping.as_ref().map(AsFd::as_fd);
        let free = self.freedom.clone.as_mut()?;
        // After a failure, the clone is ended with the session at the latest.
        let who = free.attend([connection, keeping], self.process.pid());
        if free.status().has_ended() {
            self.abandon();
        }
        match who {
            Ok(Some(0)) => Some(Peer::Tool),
            Ok(Some(_)) => Some(Peer::Another),
            Ok(None) | Err(_) => None,
        }
    }
}

/// Who wants something.
#[derive(PartialEq, Eq)]
enum Peer {
    Tool,
    /// Another one.
    Another,
}

/// A process that has run out of descriptors can be looked into as well: its clone may have a few
/// more. The limit is the clone's own. Where that is not allowed, the next call says what is missing.
pub(super) fn make_room_for_descriptors(clone: Pid) {
    const ROOM: u64 = 64;
    let Some(process) = rustix::process::Pid::from_raw(clone.0) else {
        return;
    };
    let limits = procfs::process::Process::new(clone.0).and_then(|process| process.limits());
    let Ok(limit) = limits.map(|limits| limits.max_open_files) else {
        return;
    };
    let value = |limit: LimitValue| match limit {
        LimitValue::Value(value) => Some(value),
        LimitValue::Unlimited => None,
    };
    let unchanged = Rlimit {
        current: value(limit.soft_limit),
        maximum: value(limit.hard_limit),
    };
    let open = std::fs::read_dir(format!("/proc/{clone}/fd")).map_or(0, Iterator::count) as u64;
    let soft = unchanged
        .current
        .map(|soft| soft.max(open.saturating_add(ROOM)));
    let hard = unchanged
        .maximum
        .zip(soft)
        .map(|(hard, soft)| hard.max(soft));
    let wanted = Rlimit {
        current: soft,
        maximum: hard,
    };
    if wanted != unchanged {
        // Only root may raise the hard limit.
        let _ = prlimit(Some(process), Resource::Nofile, wanted);
    }
}

fn failure(failure: ConfineFailure) -> InjectionFailure {
    match failure {
        ConfineFailure::Os { step, errno } => InjectionFailure::Os { step, errno },
        ConfineFailure::DoesNotStop => InjectionFailure::Interrupted,
        _ => InjectionFailure::Ended,
    }
}
