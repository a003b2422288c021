//! A call that is put into a ring of pending calls, and taken out again.

use exuvia_cpython::{_pending_calls as Entry, EvalBreaker, Layout, eval_breaker_bits};
use exuvia_memory::RemoteAddress;
use exuvia_tracee::Patch;

use super::ring::{Lock, Ring};
use super::state::RuntimeState;

/// What replaces the text of a call that can't be taken out any more: it does nothing.
const NOTHING: &[u8] = b"0\0";

/// A call of a function in a ring, with the text that it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingCall {
    /// `_pending_calls`.
    ring: RemoteAddress,
    /// The number of its entry.
    index: u32,
    function: RemoteAddress,
    /// Where the text is: in entries that are not in use.
    text_at: RemoteAddress,
    text: Vec<u8>,
    main_only: bool,
}

/// What can be done about a call that was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawal {
    /// It was taken: it is being made, or was made.
    Taken,
    /// A thread is at work on the ring, and it can't be told: another moment is needed.
    Later,
    /// This takes it out.
    TakeOut(Patch),
    /// Others have posted calls behind it; this lets it do nothing.
    Disarm(Patch),
}

impl PendingCall {
    /// Plans a call of a function, which takes C's `const char *` and returns 0, with a text
    /// that has no null byte. None when the ring is not open, or has no room for the text.
    pub fn plan(
        state: &RuntimeState,
        layout: &Layout,
        main_only: bool,
        function: RemoteAddress,
        text: &str,
    ) -> Option<Self> {
        let ring = state.ring_for(layout, main_only)?;
        let mut text = text.as_bytes().to_vec();
        if !ring.is_open() || text.contains(&0) {
            return None;
        }
        text.push(0);
        Some(Self {
            ring: ring.address,
            index: ring.last,
            function,
            text_at: room_for(ring, layout, text.len() as u64)?,
            text,
            main_only,
        })
    }

    /// What posts it; nothing happens if the ring is not as it was when the call was planned.
    /// Every thread that serves the ring is made to look.
    pub fn post(&self, state: &RuntimeState, layout: &Layout) -> Option<Patch> {
        let ring = state.ring_for(layout, self.main_only)?;
        let p = &layout.structs.pending_calls;
        let entry = self.entry(layout);
        let at = |field: u64| ring.address.offset(field);
        let next = (self.index + 1) % ring.length;
        let mut patch = unchanged(ring, layout)
            .set(self.text_at, &self.text)
            .set(entry.offset(Entry::FUNC), &word(self.function))
            .set(entry.offset(Entry::ARG), &word(self.text_at));
        if p.entry_size() > Entry::ARG + 8 {
            let flags = vec![0; (p.entry_size() - Entry::ARG - 8) as usize];
            patch = patch.set(entry.offset(Entry::ARG + 8), &flags);
        }
        patch = patch.set(at(p.last), &next.to_le_bytes());
        if let Some(npending) = p.npending {
            patch = patch.set(at(npending), &(ring.waiting + 1).to_le_bytes());
        }
        if let Some(calls_to_do) = p.calls_to_do {
            patch = patch.set(at(calls_to_do), &1u32.to_le_bytes());
        }
        Some(self.break_evaluation(patch, state, layout))
    }

    fn break_evaluation(&self, patch: Patch, state: &RuntimeState, layout: &Layout) -> Patch {
        if layout.shapes.eval_breaker != EvalBreaker::BitsOfThread {
            return set_flag(patch, state, layout);
        }
        let Some(at) = layout.structs.py_thread_state.eval_breaker else {
            return patch;
        };
        let threads = state.threads.iter();
        let serving = threads.filter(|thread| !self.main_only || state.is_main(thread));
        serving.fold(patch, |patch, thread| {
            patch.set_bits(thread.address.offset(at), eval_breaker_bits::CALLS_TO_DO)
        })
    }

    /// What takes it back, if nothing has happened to the ring since it was posted.
    pub fn take_out_at_once(&self, state: &RuntimeState, layout: &Layout) -> Option<Patch> {
        let mut ring = state.ring_for(layout, self.main_only)?.clone();
        ring.last = (self.index + 1) % ring.length;
        ring.waiting += 1;
        Some(self.take_out(&ring, layout))
    }

    /// What takes it back, as the ring is now.
    pub fn withdraw(&self, state: &RuntimeState, layout: &Layout) -> Withdrawal {
        let Some(ring) = state.ring_for(layout, self.main_only) else {
            return Withdrawal::Taken;
        };
        let place = (self.index + ring.length - ring.first) % ring.length;
        if !ring.lock.is_free() {
            return Withdrawal::Later;
        }
        if place >= ring.waiting {
            return Withdrawal::Taken;
        }
        if place + 1 < ring.waiting {
            let patch = self.is_there(ring, layout);
            return Withdrawal::Disarm(patch.set(self.text_at, NOTHING));
        }
        Withdrawal::TakeOut(self.take_out(ring, layout))
    }

    fn is_there(&self, ring: &Ring, layout: &Layout) -> Patch {
        let entry = self.entry(layout);
        unchanged(ring, layout)
            .expect(entry.offset(Entry::FUNC), &word(self.function))
            .expect(entry.offset(Entry::ARG), &word(self.text_at))
    }

    /// Takes out the last call. Threads look once more, find nothing, and forget that they were
    /// to look.
    fn take_out(&self, ring: &Ring, layout: &Layout) -> Patch {
        let p = &layout.structs.pending_calls;
        let entry = self.entry(layout);
        let at = |field: u64| ring.address.offset(field);
        let patch = self
            .is_there(ring, layout)
            .set(entry, &vec![0; p.entry_size() as usize])
            .set(self.text_at, &vec![0; self.text.len()])
            .set(at(p.last), &self.index.to_le_bytes());
        match p.npending {
            Some(npending) => patch.set(at(npending), &(ring.waiting - 1).to_le_bytes()),
            None => patch,
        }
    }

    /// What wipes out the text of a call that was made, unless others have used its place.
    pub fn wipe(&self) -> Patch {
        let nothing = vec![0; self.text.len()];
        Patch::new()
            .expect(self.text_at, &self.text)
            .set(self.text_at, &nothing)
    }

    fn entry(&self, layout: &Layout) -> RemoteAddress {
        let p = &layout.structs.pending_calls;
        let offset = p.calls + u64::from(self.index) * p.entry_size();
        self.ring.offset(offset)
    }
}

/// Makes every thread look, where all threads share one flag for that.
pub(super) fn set_flag(patch: Patch, state: &RuntimeState, layout: &Layout) -> Patch {
    let (runtime, interpreter) = (
        &layout.structs.py_runtime_state,
        &layout.structs.py_interpreter_state,
    );
    let address = match layout.shapes.eval_breaker {
        EvalBreaker::FlagOfRuntime => runtime
            .ceval_eval_breaker
            .map(|at| state.runtime.offset(at)),
        EvalBreaker::FlagOfInterpreter => interpreter
            .ceval_eval_breaker
            .map(|at| state.interpreter.offset(at)),
        EvalBreaker::BitsOfThread => None,
    };
    match address {
        Some(address) => patch.set(address, &1u32.to_le_bytes()),
        None => patch,
    }
}

/// A patch that holds only if the ring is what it was.
fn unchanged(ring: &Ring, layout: &Layout) -> Patch {
    let p = &layout.structs.pending_calls;
    let at = |field: u64| ring.address.offset(field);
    let patch = Patch::new()
        .expect(at(p.first), &ring.first.to_le_bytes())
        .expect(at(p.last), &ring.last.to_le_bytes());
    let patch = match p.npending {
        Some(npending) => patch.expect(at(npending), &ring.waiting.to_le_bytes()),
        None => patch,
    };
    match ring.lock {
        Lock::Semaphore { address, value } => patch.expect(address, &value.to_le_bytes()),
        Lock::Mutex { address, bits } => patch.expect(address, &[bits]),
    }
}

/// Where a text fits into entries that are not in use: as far behind the next free one as
/// possible, so that others can post calls meanwhile.
fn room_for(ring: &Ring, layout: &Layout, length: u64) -> Option<RemoteAddress> {
    let p = &layout.structs.pending_calls;
    let entries = u32::try_from(length.checked_div(p.entry_size())? + 1).ok()?;
    // Of the entries behind the one that is taken, those before the first that waits.
    let behind = ring.last + 1;
    let runs = if ring.first > ring.last {
        [(behind, ring.first), (0, 0)]
    } else {
        [(0, ring.first), (behind, ring.length)]
    };
    // Another tool's text ends a run, too.
    let runs = runs.map(|(start, end)| {
        let texts = ring.texts.iter().copied();
        let text = texts.filter(|text| (start..end).contains(text)).min();
        (start, text.unwrap_or(end))
    });
    let (_, end) = runs
        .into_iter()
        .find(|(start, end)| end.saturating_sub(*start) >= entries)?;
    let start = u64::from(end - entries) * p.entry_size();
    Some(ring.address.offset(p.calls + start))
}

pub(super) fn word(address: RemoteAddress) -> [u8; 8] {
    address.get().to_le_bytes()
}
