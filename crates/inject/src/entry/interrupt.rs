//! An exception from outside, in a thread that runs Python code.

use exuvia_cpython::{EvalBreaker, Immortal, Layout, eval_breaker_bits};
use exuvia_memory::RemoteAddress;
use exuvia_tracee::Patch;

use super::post::{set_flag, word};
use super::state::RuntimeState;
use super::thread::PythonThread;

/// What lets a thread raise an exception when it next looks, as `PyThreadState_SetAsyncExc`
/// does. It does nothing when the thread is another one by then, or has an exception waiting.
///
/// `exception` is the address of a class that lives as long as the interpreter does.
pub fn interrupt(
    state: &RuntimeState,
    layout: &Layout,
    thread: &PythonThread,
    exception: RemoteAddress,
) -> Patch {
    let t = &layout.structs.py_thread_state;
    let at = |field: u64| thread.address.offset(field);
    let mut patch = Patch::new()
        .expect(at(t.thread_id), &thread.thread_id.to_le_bytes())
        .expect(at(t.interp), &word(state.interpreter))
        .expect(at(t.async_exc), &word(RemoteAddress::NULL))
        .set(at(t.async_exc), &word(exception));
    if is_counted(layout.shapes.immortal)
        && let Some(ob_refcnt) = layout.structs.py_object.ob_refcnt
    {
        patch = patch.add(exception.offset(ob_refcnt), 1);
    }
    if layout.shapes.eval_breaker == EvalBreaker::BitsOfThread
        && let Some(breaker) = t.eval_breaker
    {
        return patch.set_bits(at(breaker), eval_breaker_bits::ASYNC_EXCEPTION);
    }
    if let (Some(ring), Some(async_exc)) = (&state.ring, layout.structs.pending_calls.async_exc) {
        patch = patch.set(ring.address.offset(async_exc), &1u32.to_le_bytes());
    }
    set_flag(patch, state, layout)
}

/// Whether references to a class that is part of the interpreter are counted.
fn is_counted(immortal: Immortal) -> bool {
    match immortal {
        Immortal::Never | Immortal::StaticRefcnt => true,
        Immortal::Refcnt32 | Immortal::Refcnt32AndFlags | Immortal::RefLocal => false,
    }
}
