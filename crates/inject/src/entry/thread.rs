//! A thread as the interpreter knows it.

use std::ops::RangeInclusive;

use exuvia_cpython::{CurrentFrame, ExceptionState, Layout};
use exuvia_memory::{Fault, Memory, RemoteAddress};

use super::read::Reader;

/// More frames without Python code than follow on each other.
const MAX_JOINTS: usize = 16;
/// How many frames a thread has that may be near the usual limit of recursion, 1,000: calls of
/// functions in C count, too, and there may be one for each frame. Who has more has set another limit.
const NEAR_LIMIT: RangeInclusive<usize> = 450..=1000;

/// A `PyThreadState` of the main interpreter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonThread {
    /// Where its state is.
    pub address: RemoteAddress,
    /// `pthread_self()` of the thread, which is its thread pointer too, with glibc and musl.
    pub thread_id: u64,
    /// Whether an exception is being raised in it.
    pub has_exception: bool,
    /// Whether it is within Python code: a frame runs, or has called what does.
    pub has_frames: bool,
    /// Whether it may run Python code, where the interpreter says so, from 3.13. With a lock,
    /// only its holder may.
    pub attachment: Option<Attachment>,
    /// `eval_breaker`, where each thread has its own, from 3.13.
    pub eval_breaker: Option<u64>,
    /// `async_exc`: the exception that somebody else wants to be raised in it, or null.
    pub async_exc: RemoteAddress,
    /// Whether the run of a script was asked for, and has not begun.
    pub runs_script_soon: bool,
}

/// `tstate->state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// It runs no Python code until it attaches itself.
    Detached,
    /// It runs Python code.
    Attached,
    /// It was attached, and waits until another thread lets all go on.
    Suspended,
    /// Any other: it will never run Python code again.
    Other,
}

impl PythonThread {
    pub(super) fn read<M: Memory>(
        memory: &Reader<'_, M>,
        layout: &Layout,
        address: RemoteAddress,
    ) -> Result<Self, Fault> {
        let t = &layout.structs.py_thread_state;
        let exception = match layout.shapes.exception_state {
            ExceptionState::ThreeFields => t.curexc_type,
            ExceptionState::CurrentException => t.current_exception,
        };
        let is_set = |field: Option<u64>| match field {
            Some(at) => Ok(!memory.pointer(address.offset(at))?.is_null()),
            None => Ok(false),
        };
        Ok(Self {
            address,
            thread_id: memory.u64(address.offset(t.thread_id))?,
            has_exception: is_set(exception)?,
            has_frames: has_frames(memory, layout, address)?,
            attachment: match t.state {
                Some(at) => Some(Attachment::of(memory.u32(address.offset(at))?)),
                None => None,
            },
            eval_breaker: match t.eval_breaker {
                Some(at) => Some(memory.u64(address.offset(at))?),
                None => None,
            },
            async_exc: memory.pointer(address.offset(t.async_exc))?,
            runs_script_soon: match t.debugger_pending_call {
                Some(at) => memory.u32(address.offset(at))? != 0,
                None => false,
            },
        })
    }
}

/// Whether a thread may be near the limit of recursion. One that runs meanwhile may have torn frames.
pub(super) fn is_near_limit<M: Memory>(
    memory: &Reader<'_, M>,
    layout: &Layout,
    thread: RemoteAddress,
) -> bool {
    let back = match &layout.structs.py_interpreter_frame {
        Some(f) => f.previous,
        None => layout.structs.py_frame_object.f_back,
    };
    let mut frames = 0;
    let mut frame = current_frame(memory, layout, thread);
    while let Ok(found) = frame
        && !found.is_null()
        && frames <= *NEAR_LIMIT.end()
    {
        frames += 1;
        frame = memory.pointer(found.offset(back));
    }
    NEAR_LIMIT.contains(&frames)
}

/// The innermost frame; null for a thread outside of Python code.
fn current_frame<M: Memory>(
    memory: &Reader<'_, M>,
    layout: &Layout,
    thread: RemoteAddress,
) -> Result<RemoteAddress, Fault> {
    let structs = &layout.structs;
    let t = &structs.py_thread_state;
    let held_by = match layout.shapes.current_frame {
        CurrentFrame::Object => t.frame.map(|at| thread.offset(at)),
        CurrentFrame::ThreadState => t.current_frame.map(|at| thread.offset(at)),
        CurrentFrame::Cframe => match (t.cframe, &structs.py_c_frame) {
            (Some(at), Some(cframe)) => {
                let cframe_at = memory.pointer(thread.offset(at))?;
                (!cframe_at.is_null()).then(|| cframe_at.offset(cframe.current_frame))
            }
            _ => None,
        },
    };
    match held_by {
        Some(at) => memory.pointer(at),
        None => Ok(RemoteAddress::NULL),
    }
}

fn has_frames<M: Memory>(
    memory: &Reader<'_, M>,
    layout: &Layout,
    thread: RemoteAddress,
) -> Result<bool, Fault> {
    let mut frame = current_frame(memory, layout, thread)?;
    let Some(f) = &layout.structs.py_interpreter_frame else {
        return Ok(!frame.is_null());
    };
    let between = [
        layout.constants.frame_owned_by_cstack,
        layout.constants.frame_owned_by_interpreter,
    ];
    // Those that only join two runs of the evaluation loop are no Python code.
    for _ in 0..MAX_JOINTS {
        if frame.is_null() {
            return Ok(false);
        }
        // Who has just begun to evaluate a frame has not written yet which: 3.11 and 3.12 publish the
        // `_PyCFrame` on the stack before that, with what happened to be there.
        let Ok(owner) = memory.u8(frame.offset(f.owner)) else {
            break;
        };
        if !between.contains(&Some(i64::from(owner))) {
            break;
        }
        let Ok(previous) = memory.pointer(frame.offset(f.previous)) else {
            break;
        };
        frame = previous;
    }
    Ok(true)
}

impl Attachment {
    /// Of `_Py_THREAD_DETACHED` and so on, which are macros.
    fn of(state: u32) -> Self {
        match state {
            0 => Self::Detached,
            1 => Self::Attached,
            2 => Self::Suspended,
            _ => Self::Other,
        }
    }
}
