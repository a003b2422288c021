//! What the tool wants while a thread of the target is called: that may last as long as code runs.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use super::edit;
use super::estate::{Estate, INTERRUPTING, PAUSE};
use super::injection::change;
use super::nudge::nudge;
use super::ptrace::{self, Tid};
use super::threads::Threads;
use crate::arch::Registers;
use crate::protocol::{InjectionFailure, Reply, Request, Will};
use crate::{Patch, Pid};

/// The tool, while its guardian waits for a thread.
pub(crate) trait Visitor {
    /// What it asks for, if anything.
    fn asks(&mut self) -> Visit;

    /// Gives it an answer.
    fn answer(&mut self, reply: Reply);

    /// Leaves what it has asked for until the calls have ended.
    fn put_off(&mut self, request: Request);
}

/// What a look at the tool shows.
pub(crate) enum Visit {
    /// It is there.
    Nothing,
    /// It wants this.
    Request(Box<Request>),
    /// It waits for an answer that has to wait.
    Waits,
    /// It is gone.
    Gone,
}

/// What is done beside a call.
pub(super) trait Beside {
    /// The thread is about to begin.
    fn begun(&mut self);

    /// It runs.
    fn running(&mut self, tid: Tid) -> io::Result<()>;

    /// It stands still at the beginning or at the end of a system call.
    fn passing(&mut self, tid: Tid) -> io::Result<()>;

    /// It stands still because it was asked to.
    fn stopped(&mut self, tid: Tid) -> io::Result<()>;
}

/// Nothing.
pub(super) struct Alone;

impl Beside for Alone {
    fn begun(&mut self) {}

    fn running(&mut self, _: Tid) -> io::Result<()> {
        Ok(())
    }

    fn passing(&mut self, _: Tid) -> io::Result<()> {
        Ok(())
    }

    fn stopped(&mut self, _: Tid) -> io::Result<()> {
        Ok(())
    }
}

/// A tool that may want to interrupt what is called, and is answered when that has begun.
pub(super) struct Company<'a> {
    pid: Pid,
    memory: &'a File,
    threads: &'a mut Threads,
    estate: &'a mut Estate,
    visitor: &'a mut dyn Visitor,
    /// The thread that is called.
    called: Tid,
    begun: bool,
    /// What is to be changed when it stands still, and whether somebody waits for that.
    wanted: Option<(Patch, bool)>,
    /// Since when the tool is gone, and when it was last done what it wanted then.
    gone: Option<Instant>,
    interrupted: Option<Instant>,
}

impl<'a> Company<'a> {
    pub(super) fn new(
        pid: Pid,
        memory: &'a File,
        threads: &'a mut Threads,
        estate: &'a mut Estate,
        visitor: &'a mut dyn Visitor,
        called: Tid,
    ) -> Self {
        Self {
            pid,
            memory,
            threads,
            estate,
            visitor,
            called,
            begun: false,
            wanted: None,
            gone: None,
            interrupted: None,
        }
    }

    /// Answers what waits for the end of the calls. One that did not begin has the answer that
    /// they could not be made. What was opened for the calls is theirs as far as is known, unless
    /// they did not begin, or have failed.
    pub(super) fn end(mut self, called: &Result<(), InjectionFailure>) {
        if self.begun && !matches!(called, Err(InjectionFailure::Failed)) {
            self.estate.descriptors.clear();
        }
        if let (false, Err(failure)) = (self.begun, called) {
            self.visitor.answer(Reply::Called(Err(failure.clone())));
        }
        if let Some((_, true)) = self.wanted.take() {
            self.visitor.answer(Reply::Interrupted(Ok(false)));
        }
    }

    fn answer(&mut self, request: Request) -> io::Result<()> {
        match request {
            Request::SetWill { will } => {
                self.estate.will = will;
                self.visitor.answer(Reply::Noted);
            }
            Request::Taken => {
                self.estate.descriptors.clear();
                self.visitor.answer(Reply::Noted);
            }
            Request::HasCalled => self.visitor.answer(Reply::HasCalled(Ok(false))),
            Request::Interrupt {
                patch,
                thread: Some(thread),
            } if thread.0 == self.called => {
                self.wanted = Some((patch, true));
                ptrace::interrupt(self.called)?;
            }
            other => self.visitor.put_off(other),
        }
        Ok(())
    }

    /// Who is gone can't say any more that the code is to stop.
    fn execute_will(&mut self) -> io::Result<()> {
        let gone = *self.gone.get_or_insert_with(Instant::now);
        let last = self.interrupted.unwrap_or(gone);
        if let Some(Will::Interrupt { patch, .. }) = &self.estate.will
            && self.wanted.is_none()
            && last.elapsed() > PAUSE
            && gone.elapsed() < INTERRUPTING
        {
            self.interrupted = Some(Instant::now());
            self.wanted = Some((patch.clone(), false));
            ptrace::interrupt(self.called)?;
        }
        Ok(())
    }
}

impl Beside for Company<'_> {
    fn begun(&mut self) {
        self.begun = true;
        let stood_still: Duration = self.threads.release_all_but(self.called);
        self.visitor.answer(Reply::Called(Ok(stood_still)));
    }

    fn running(&mut self, _: Tid) -> io::Result<()> {
        if self.wanted.is_some() {
            return Ok(());
        }
        match self.visitor.asks() {
            Visit::Nothing | Visit::Waits => Ok(()),
            Visit::Request(request) => self.answer(*request),
            Visit::Gone => self.execute_will(),
        }
    }

    /// The kernel takes any stop for the one that was asked for; but only at that one a call can
    /// be made to return something else.
    fn passing(&mut self, tid: Tid) -> io::Result<()> {
        match &self.wanted {
            Some(_) => ptrace::interrupt(tid),
            None => Ok(()),
        }
    }

    fn stopped(&mut self, tid: Tid) -> io::Result<()> {
        let Some((patch, is_awaited)) = self.wanted.take() else {
            return Ok(());
        };
        // It may have been on its way into a call when it was interrupted, and wait there now.
        let is_served = self.estate.is_served(self.pid);
        let is_told = is_served && edit::is_made(&patch, self.memory);
        // An error is no reason to put the thread back in the middle of a function.
        let applied = match is_served {
            true => change(&patch, self.memory),
            false => Ok(false),
        };
        if (matches!(applied, Ok(true)) || is_told)
            && let Ok(registers) = Registers::of(tid)
        {
            nudge(tid, &registers, self.estate.channel_number());
        }
        if is_awaited {
            self.visitor.answer(Reply::Interrupted(applied));
        }
        Ok(())
    }
}
