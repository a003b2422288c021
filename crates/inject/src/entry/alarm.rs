//! `KeyboardInterrupt` in the thread of a copy that waits for a lock.
//!
//! `lock.acquire()` does not look whether an exception waits for its thread. When the wait ends by
//! `EINTR`, it has signals handled and, in the main thread, pending calls made
//! (`Py_MakePendingCalls`), and raises what these raise. So there is an object in the copy, the
//! *alarm*, that raises `KeyboardInterrupt` when it is asked whether it is true; asking it is the call.
//!
//! The address of the alarm lies in the ring itself, in the last entry, which does not count as one
//! that waits: a tool that comes back to a copy has not spoken with the server yet.

use exuvia_cpython::{_pending_calls as Entry, EvalBreaker, Layout, eval_breaker_bits};
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_tracee::Patch;

use super::copy::call;
use super::post::{set_flag, word};
use super::read::Reader;
use super::state::RuntimeState;
use super::thread::PythonThread;

/// Writes down where the alarm is; `is_true` is `PyObject_IsTrue`.
pub fn remember_alarm(
    state: &RuntimeState,
    layout: &Layout,
    is_true: RemoteAddress,
    alarm: RemoteAddress,
) -> Option<Patch> {
    let entry = last_entry(state, layout)?;
    let patch = Patch::new()
        .set(entry.offset(Entry::FUNC), &word(is_true))
        .set(entry.offset(Entry::ARG), &word(alarm));
    Some(patch)
}

/// Lets the thread, which has to be the main one, ask the alarm when its wait ends. An exception
/// that waits for it is no more: the alarm's is the only one. None when there is no alarm.
pub fn post_alarm<M: Memory>(
    memory: &M,
    state: &RuntimeState,
    layout: &Layout,
    thread: &PythonThread,
    is_true: RemoteAddress,
) -> Option<Patch> {
    let memory = &Reader(memory);
    let entry = last_entry(state, layout)?;
    if memory.pointer(entry.offset(Entry::FUNC)).ok()? != is_true {
        return None;
    }
    let alarm = memory.pointer(entry.offset(Entry::ARG)).ok()?;
    let t = &layout.structs.py_thread_state;
    let patch = call(state, layout, thread, is_true, alarm)?;
    let patch = patch.set(
        thread.address.offset(t.async_exc),
        &word(RemoteAddress::NULL),
    );
    if layout.shapes.eval_breaker == EvalBreaker::BitsOfThread
        && let Some(breaker) = t.eval_breaker
    {
        let breaker = thread.address.offset(breaker);
        return Some(patch.set_bits(breaker, eval_breaker_bits::CALLS_TO_DO));
    }
    Some(set_flag(patch, state, layout))
}

fn last_entry(state: &RuntimeState, layout: &Layout) -> Option<RemoteAddress> {
    let ring = state.ring.as_ref()?;
    let p = &layout.structs.pending_calls;
    let last = u64::from(ring.length).checked_sub(1)?;
    Some(ring.address.offset(p.calls).offset(last * p.entry_size()))
}
