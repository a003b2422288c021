//! Getting into a copy of the process, which has one thread.

use exuvia_cpython::{
    _pending_calls as Entry, EvalBreaker, GcLists, Layout, PendingCalls, eval_breaker_bits,
};
use exuvia_memory::RemoteAddress;
use exuvia_tracee::{Patch, ThreadStop};

use super::decide::Moment;
use super::post::{set_flag, word};
use super::ring::{Lock, Ring};
use super::state::RuntimeState;
use super::thread::{Attachment, PythonThread};

/// A thread to copy the process from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadToCopy {
    /// Where it stopped.
    pub stop: ThreadStop,
    /// What the interpreter knows of it.
    pub thread: PythonThread,
    /// What the copy has to do.
    pub start: CopyStart,
    /// Whether nothing that is not in the copy can keep it from that, nor from what it does then:
    /// another may have the lock, have to take it first, or be taking it or giving it away. Without
    /// a lock, a thread that runs may have locked objects; one that is detached has unlocked them.
    pub is_promising: bool,
}

/// How code gets to run in a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyStart {
    /// The thread waits in a system call, and can call the interpreter's functions at once:
    /// [`Symbols::run_in_copy`](super::Symbols::run_in_copy), without the lock.
    Call,
    /// The thread has to go on until it looks for [pending calls](post_in_copy). It has the
    /// lock then.
    Post,
}

impl Moment<'_> {
    /// The thread whose copy can run Python code, with the best prospects first; none when
    /// the moment is not one to copy at.
    pub fn thread_to_copy(&self) -> Option<ThreadToCopy> {
        // Who has stopped the world is not in a copy of another thread, to let it go on.
        if self.state.stops_the_world {
            return None;
        }
        let known = self.stops.iter().filter_map(|stop| {
            let thread = self.state.thread(stop.thread_pointer)?;
            let start = match self.can_call(stop, thread) {
                true => CopyStart::Call,
                false => CopyStart::Post,
            };
            Some((stop, thread, start))
        });
        let is_free = (self.state.gil).is_none_or(|gil| gil.holder.is_none() && !gil.changes_hands);
        // Without a lock, a thread that runs is in the middle of something, which only a copy of
        // itself ends.
        let runs = |thread: &PythonThread| {
            self.state.gil.is_none() && thread.attachment == Some(Attachment::Attached)
        };
        let running = self.state.threads.iter().filter(|&one| runs(one)).count();
        let prospects = |start: CopyStart, thread: &PythonThread| {
            match (start, self.state.holds_gil(thread) || runs(thread)) {
                (_, true) => 0,
                // Without the lock of a thread that is not there.
                (CopyStart::Call, _) if is_free => 1,
                (CopyStart::Post, _) => 2,
                (CopyStart::Call, _) => 3,
            }
        };
        let best = known.min_by_key(|(_, thread, start)| {
            // What is typed then finds itself where it would expect.
            (prospects(*start, thread), !self.state.is_main(thread))
        });
        best.map(|(stop, thread, start)| ThreadToCopy {
            stop: *stop,
            thread: thread.clone(),
            start,
            is_promising: prospects(start, thread) < 2 && running <= usize::from(runs(thread)),
        })
    }
}

/// Lets the one thread of a copy call a function with an argument when it next looks: before
/// anything else that it would do then, but for signal handlers. None when the ring is in use.
pub fn post_in_copy(
    state: &RuntimeState,
    layout: &Layout,
    thread: &PythonThread,
    function: RemoteAddress,
    argument: RemoteAddress,
) -> Option<Patch> {
    let patch = call(state, layout, thread, function, argument)?;
    Some(break_evaluation(patch, state, layout, thread))
}

/// A call in the ring, and no other.
pub(super) fn call(
    state: &RuntimeState,
    layout: &Layout,
    thread: &PythonThread,
    function: RemoteAddress,
    argument: RemoteAddress,
) -> Option<Patch> {
    let ring = state.ring.as_ref()?;
    let p = &layout.structs.pending_calls;
    let at = |field: u64| ring.address.offset(field);
    if !ring.lock.is_free() {
        return None;
    }
    let entry = at(p.calls);
    let mut patch = unlocked(Patch::new(), ring)
        .set(at(p.first), &0u32.to_le_bytes())
        .set(at(p.last), &1u32.to_le_bytes())
        .set(entry, &vec![0; p.entry_size() as usize])
        .set(entry.offset(Entry::FUNC), &word(function))
        .set(entry.offset(Entry::ARG), &word(argument));
    for (field, number) in [(p.npending, 1), (p.calls_to_do, 1), (p.busy, 0)] {
        if let Some(field) = field {
            patch = patch.set(at(field), &u32::to_le_bytes(number));
        }
    }
    if let Some(handling_thread) = p.handling_thread {
        patch = patch.set(at(handling_thread), &word(RemoteAddress::NULL));
    }
    if layout.shapes.pending_calls == PendingCalls::MainThread {
        let main = state
            .runtime
            .offset(layout.structs.py_runtime_state.main_thread);
        patch = patch.set(main, &thread.thread_id.to_le_bytes());
    }
    Some(patch)
}

fn unlocked(patch: Patch, ring: &Ring) -> Patch {
    match ring.lock {
        Lock::Semaphore { address, value } => patch.expect(address, &value.to_le_bytes()),
        Lock::Mutex { address, bits } => patch.expect(address, &[bits]),
    }
}

/// Makes the thread look, and not hand over the lock: it would wait for somebody to take it.
fn break_evaluation(
    patch: Patch,
    state: &RuntimeState,
    layout: &Layout,
    thread: &PythonThread,
) -> Patch {
    let r = &layout.structs.py_runtime_state;
    let i = &layout.structs.py_interpreter_state;
    if layout.shapes.eval_breaker == EvalBreaker::BitsOfThread {
        let at = layout.structs.py_thread_state.eval_breaker;
        let (Some(at), Some(breaker)) = (at, thread.eval_breaker) else {
            return patch;
        };
        let breaker = breaker & !eval_breaker_bits::GIL_DROP_REQUEST;
        let breaker = breaker | eval_breaker_bits::CALLS_TO_DO;
        return patch.set(thread.address.offset(at), &breaker.to_le_bytes());
    }
    let of_all = r.ceval_gil_drop_request.map(|at| state.runtime.offset(at));
    let own = i.ceval_gil_drop_request;
    let own = own.map(|at| state.interpreter.offset(at));
    let patch = match of_all.or(own) {
        Some(request) => patch.set(request, &0u32.to_le_bytes()),
        None => patch,
    };
    set_flag(patch, state, layout)
}

/// Says of the threads that a copy does not have that they run no Python code: who wants all of them
/// to stop would wait for them.
pub fn detach_others(state: &RuntimeState, layout: &Layout, thread: &PythonThread) -> Patch {
    let at = layout.structs.py_thread_state.state;
    let (Some(at), GcLists::MimallocSegments) = (at, layout.shapes.gc_lists) else {
        return Patch::new();
    };
    let others = state.threads.iter();
    let others = others.filter(|other| other.address != thread.address);
    others.fold(Patch::new(), |patch, other| {
        patch.set(other.address.offset(at), &0u32.to_le_bytes())
    })
}
