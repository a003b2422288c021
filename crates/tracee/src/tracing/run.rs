//! Calling C functions of a process in one of its own threads.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use super::beside::{Alone, Beside};
use super::filter::Filter;
use super::inject::{Borrowed, InjectError, wait_until};
use super::ptrace::{self, Event, Tid};
use super::threads::{Pause, Thread};
use crate::arch::{RED_ZONE, Registers};
use crate::routine::{Argument, Routine, Step};

/// What a thread is to call, and with what.
pub(super) struct Run<'a> {
    pub(super) routine: &'a Routine,
    /// An instruction that makes a system call, to which the functions return: the thread
    /// stops there, before the call, by a stop that is no signal. A trap would be one, and the
    /// kernel resets the handling of a signal that it forces upon a thread.
    pub(super) site: u64,
    pub(super) memory: &'a File,
    /// When it is given up, which leaves a thread in the middle of a function: for clones only.
    pub(super) until: Option<Instant>,
    /// What is to be suspended: nothing in a clone that is confined.
    pub(super) filter: Filter,
    /// Options of the tracing that the thread keeps.
    pub(super) kept_options: i32,
}

impl Run<'_> {
    /// Lets a stopped thread make the calls on its own stack, and puts back its registers, its
    /// signal mask and the system call that it was in. Signals wait meanwhile. Returns the
    /// results.
    pub(super) fn in_thread(
        &self,
        thread: &Thread,
        beside: &mut dyn Beside,
    ) -> Result<Vec<u64>, InjectError> {
        // System calls keep vector registers, and compilers know that.
        let extended = ptrace::get_extended_state(thread.tid)?;
        let mut borrowed = Borrowed::borrow(thread, self.kept_options, false, self.filter)?;
        let results = self.put_data(&borrowed).and_then(|stack| {
            beside.begun();
            self.calls(&self.routine.steps, &mut borrowed, stack, beside)
        });
        // Another program has begun in its place: nothing of the thread is left to be put back.
        if let Err(InjectError::Replaced) = results {
            borrowed.leave()?;
            return Err(InjectError::Replaced);
        }
        if borrowed.stopped {
            ptrace::set_extended_state(thread.tid, &extended)?;
        }
        let given_back = borrowed.give_back();
        let results = results?;
        given_back.map(|()| results)
    }

    /// Makes the calls in a clone that never goes back to what it was doing: all but the last
    /// have returned then, and the last one is about to begin.
    pub(super) fn but_the_last(&self, thread: &Thread) -> Result<(), InjectError> {
        let mut borrowed = Borrowed::borrow(thread, self.kept_options, false, self.filter)?;
        let Some((last, others)) = self.routine.steps.split_last() else {
            return borrowed.leave();
        };
        let stack = self.put_data(&borrowed)?;
        let results = self.calls(others, &mut borrowed, stack, &mut Alone)?;
        self.enter(&borrowed, last, &results, stack)?;
        borrowed.leave()
    }

    fn calls(
        &self,
        steps: &[Step],
        borrowed: &mut Borrowed<'_>,
        stack: u64,
        beside: &mut dyn Beside,
    ) -> Result<Vec<u64>, InjectError> {
        let mut results = Vec::new();
        for step in steps {
            let result = match is_left_out(step, &results) {
                true => 0,
                false => {
                    self.enter(borrowed, step, &results, stack)?;
                    self.wait_for_return(borrowed, stack, beside)?
                }
            };
            results.push(result);
        }
        Ok(results)
    }

    /// Puts the bytes below the stack of the thread, and returns where the stack begins then.
    fn put_data(&self, borrowed: &Borrowed<'_>) -> Result<u64, InjectError> {
        let top = borrowed.thread.registers.stack_pointer();
        let length = self.routine.data.len() as u64;
        let data = top.wrapping_sub(RED_ZONE).wrapping_sub(length) & !15;
        self.memory.write_all_at(&self.routine.data, data)?;
        Ok(data)
    }

    fn enter(
        &self,
        borrowed: &Borrowed<'_>,
        step: &Step,
        results: &[u64],
        stack: u64,
    ) -> Result<(), InjectError> {
        let mut arguments = [0; 6];
        for (word, argument) in arguments.iter_mut().zip(&step.arguments) {
            *word = match *argument {
                Argument::Word(word) => word,
                Argument::Result(id) => results.get(id.0).copied().unwrap_or(0),
                Argument::Data(id) => stack.wrapping_add(id.0 as u64),
            };
        }
        let thread = borrowed.thread;
        let mut registers = thread.registers.function(step.function, arguments, stack);
        if let Some((at, bytes)) = registers.return_address(self.site) {
            self.memory.write_all_at(&bytes, at)?;
        }
        Ok(registers.apply(thread.tid)?)
    }

    fn wait_for_return(
        &self,
        borrowed: &mut Borrowed<'_>,
        stack: u64,
        beside: &mut dyn Beside,
    ) -> Result<u64, InjectError> {
        let tid = borrowed.thread.tid;
        loop {
            self.go_on(borrowed, beside)?;
            let registers = Registers::of(tid)?;
            if let Some(result) = registers.returned(self.site, stack) {
                registers.without_system_call().apply(tid)?;
                // From the entry of the call to its exit.
                self.go_on(borrowed, beside)?;
                return Ok(result);
            }
        }
    }

    /// Lets the thread run to its next entry or exit of a system call.
    fn go_on(
        &self,
        borrowed: &mut Borrowed<'_>,
        beside: &mut dyn Beside,
    ) -> Result<(), InjectError> {
        let tid = borrowed.thread.tid;
        let mut signal = 0;
        let mut stays_stopped = false;
        loop {
            match std::mem::take(&mut stays_stopped) {
                true => ptrace::listen(tid)?,
                false => ptrace::resume_to_system_call_with(tid, std::mem::take(&mut signal))?,
            }
            borrowed.stopped = false;
            let event = match self.until {
                None => wait_beside(tid, beside)?,
                Some(until) => wait_until(tid, until)?.ok_or(InjectError::NotScheduled)?,
            };
            borrowed.stopped = true;
            match event {
                Event::SystemCall => return Ok(beside.passing(tid)?),
                Event::Stop => {
                    beside.stopped(tid)?;
                    stays_stopped = self.until.is_none() && ptrace::stopped_with_its_process(tid)?;
                }
                Event::Child => {}
                // All signals that can be are blocked. In a live process, a thread that is put back
                // in the middle of a call would keep the locks that it has taken there, and the
                // process would hang: a signal has the effect that it has without a tracer, be it
                // `SIGSTOP` or the end that comes of a crash.
                Event::Signal(other) if self.until.is_none() => signal = other,
                Event::Signal(other) => return Err(InjectError::Crashed(other)),
                Event::Exec => return Err(InjectError::Replaced),
                Event::Ended => return Err(InjectError::Ended),
            }
        }
    }
}

fn wait_beside(tid: Tid, beside: &mut dyn Beside) -> io::Result<Event> {
    let mut pause = Pause::new();
    loop {
        if let Some(event) = ptrace::try_wait(tid)? {
            return Ok(event);
        }
        if pause.take() {
            beside.running(tid)?;
        }
    }
}

fn is_left_out(step: &Step, results: &[u64]) -> bool {
    let condition = step.condition.map(|id| results.get(id.0).copied());
    matches!(condition, Some(None | Some(0)))
}
