//! Interpreters, threads and frames: the chains that begin in `_PyRuntime`.

use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::slots;
use exuvia_cpython::{CurrentFrame, Gil};
use exuvia_memory::{Fault, Memory, RemoteAddress};
use rustc_hash::FxHashSet;

/// The most interpreters, threads and frames of a thread that are believed.
pub(crate) const MAX_INTERPRETERS: usize = 4096;
const MAX_THREADS: usize = 1 << 16;
const MAX_FRAMES: usize = 1 << 20;

/// An interpreter of the process.
#[derive(Debug)]
pub(crate) struct Interpreter {
    /// Its `PyInterpreterState`.
    pub(crate) address: RemoteAddress,
    /// From 0, in the order of their making.
    pub(crate) id: u32,
    pub(crate) threads: Vec<ThreadState>,
}

/// A thread of an interpreter.
#[derive(Debug)]
pub(crate) struct ThreadState {
    /// Its `PyThreadState`.
    pub(crate) address: RemoteAddress,
    pub(crate) thread_id: u64,
    pub(crate) native_thread_id: u64,
    pub(crate) holds_gil: bool,
    /// Oldest first.
    pub(crate) frames: Vec<FrameState>,
}

impl ThreadState {
    /// A suspended greenlet as a thread that no thread of the system runs: greenlets are
    /// what `threading.get_ident` tells apart where gevent has patched it, by their `id()`.
    pub(crate) fn of_greenlet(greenlet: RemoteAddress, frames: Vec<FrameState>) -> Self {
        Self {
            address: greenlet,
            thread_id: greenlet.get(),
            native_thread_id: 0,
            holds_gil: false,
            frames,
        }
    }
}

/// A frame of a thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameState {
    /// Its `_PyInterpreterFrame`.
    pub(crate) address: RemoteAddress,
    /// Its `frame` object, or null.
    pub(crate) frame_obj: RemoteAddress,
    pub(crate) code: RemoteAddress,
}

impl FrameState {
    /// The address under which the frame is a row of the snapshot.
    pub(crate) fn object(&self) -> RemoteAddress {
        if self.frame_obj.is_null() {
            self.address
        } else {
            self.frame_obj
        }
    }
}

/// Follows the chains of interpreters, threads and frames.
pub(crate) fn interpreters<M: Memory>(
    reader: &mut Reader<'_, M>,
    runtime: RemoteAddress,
) -> Result<Vec<Interpreter>, Fault> {
    let layout = reader.layout;
    let head = layout.structs.py_runtime_state.interpreters_head;
    let i = &layout.structs.py_interpreter_state;
    let mut link = runtime.offset(head);
    let mut seen = FxHashSet::default();
    let mut found = Vec::new();
    loop {
        match interpreter(reader, link) {
            Ok(None) => break,
            Ok(Some((address, id))) if found.len() < MAX_INTERPRETERS && seen.insert(address) => {
                let threads = threads(reader, runtime, address, &mut seen);
                found.push(Interpreter {
                    address,
                    id,
                    threads,
                });
                link = address.offset(i.next);
            }
            // Without the first there is nothing to walk.
            Err(fault) if found.is_empty() => return Err(fault),
            _ => {
                reader.diagnostics.count(Trouble::BrokenChain, link);
                break;
            }
        }
    }
    // The chain begins with the newest.
    found.sort_by_key(|interpreter| interpreter.id);
    Ok(found)
}

/// The interpreter to which a link leads, and its number.
fn interpreter<M: Memory>(
    reader: &mut Reader<'_, M>,
    link: RemoteAddress,
) -> Result<Option<(RemoteAddress, u32)>, Fault> {
    let id = reader.layout.structs.py_interpreter_state.id;
    let address = reader.cache.pointer(link)?;
    if address.is_null() {
        return Ok(None);
    }
    let id = reader.cache.u64(address.offset(id))?;
    Ok(Some((address, id as u32)))
}

/// The threads of an interpreter. `seen` are the states and frames met so far: each belongs
/// to one chain, so that one that is met twice means that a chain goes round.
fn threads<M: Memory>(
    reader: &mut Reader<'_, M>,
    runtime: RemoteAddress,
    interpreter: RemoteAddress,
    seen: &mut FxHashSet<RemoteAddress>,
) -> Vec<ThreadState> {
    let layout = reader.layout;
    let head = layout.structs.py_interpreter_state.threads_head;
    let next = layout.structs.py_thread_state.next;
    let holder = gil_holder(reader, runtime, interpreter).unwrap_or_default();
    let mut found = Vec::new();
    let mut link = interpreter.offset(head);
    loop {
        let address = match reader.cache.pointer(link) {
            Ok(address) if address.is_null() => break,
            Ok(address) if found.len() < MAX_THREADS && seen.insert(address) => address,
            _ => {
                reader.diagnostics.count(Trouble::BrokenChain, link);
                break;
            }
        };
        match thread(reader, address, address == holder, seen) {
            Ok(thread) => found.push(thread),
            Err(_) => {
                reader.diagnostics.count(Trouble::BrokenChain, address);
                break;
            }
        }
        link = address.offset(next);
    }
    // The newest thread is the first of the chain.
    found.reverse();
    found
}

/// The thread that holds the interpreter's lock, or null.
fn gil_holder<M: Memory>(
    reader: &mut Reader<'_, M>,
    runtime: RemoteAddress,
    interpreter: RemoteAddress,
) -> Result<RemoteAddress, Fault> {
    let structs = &reader.layout.structs;
    let g = &structs.gil_runtime_state;
    let gil = match reader.layout.shapes.gil {
        Gil::Runtime => structs
            .py_runtime_state
            .ceval_gil
            .map(|at| runtime.offset(at)),
        Gil::Interpreter => match structs.py_interpreter_state.ceval_gil {
            Some(at) => Some(reader.cache.pointer(interpreter.offset(at))?),
            None => None,
        },
    };
    let Some(gil) = gil else {
        return Ok(RemoteAddress::NULL);
    };
    if reader.cache.u32(gil.offset(g.locked))? as i32 <= 0 {
        return Ok(RemoteAddress::NULL);
    }
    reader.cache.pointer(gil.offset(g.last_holder))
}

fn thread<M: Memory>(
    reader: &mut Reader<'_, M>,
    address: RemoteAddress,
    holds_gil: bool,
    seen: &mut FxHashSet<RemoteAddress>,
) -> Result<ThreadState, Fault> {
    let structs = &reader.layout.structs;
    let t = &structs.py_thread_state;
    let thread_id = reader.cache.u64(address.offset(t.thread_id))?;
    let native_thread_id = match t.native_thread_id {
        Some(at) => reader.cache.u64(address.offset(at))?,
        None => 0,
    };
    let innermost = match reader.layout.shapes.current_frame {
        CurrentFrame::Object => match t.frame {
            Some(at) => reader.cache.pointer(address.offset(at))?,
            None => RemoteAddress::NULL,
        },
        CurrentFrame::ThreadState => match t.current_frame {
            Some(at) => reader.cache.pointer(address.offset(at))?,
            None => RemoteAddress::NULL,
        },
        CurrentFrame::Cframe => match (t.cframe, &structs.py_c_frame) {
            (Some(at), Some(cframe)) => {
                let at = reader.cache.pointer(address.offset(at))?;
                if at.is_null() {
                    at
                } else {
                    reader.cache.pointer(at.offset(cframe.current_frame))?
                }
            }
            _ => RemoteAddress::NULL,
        },
    };
    let mut frames = frames(reader, innermost, seen);
    frames.reverse();
    Ok(ThreadState {
        address,
        thread_id,
        native_thread_id,
        holds_gil,
        frames,
    })
}

/// The frames of a thread, innermost first.
fn frames<M: Memory>(
    reader: &mut Reader<'_, M>,
    innermost: RemoteAddress,
    seen: &mut FxHashSet<RemoteAddress>,
) -> Vec<FrameState> {
    let mut found = Vec::new();
    let mut address = innermost;
    while !address.is_null() {
        if found.len() >= MAX_FRAMES || !seen.insert(address) {
            reader.diagnostics.count(Trouble::BrokenChain, address);
            break;
        }
        match frame(reader, address) {
            Ok((state, previous)) => {
                found.extend(state);
                address = previous;
            }
            Err(_) => {
                reader.diagnostics.count(Trouble::BrokenChain, address);
                break;
            }
        }
    }
    found
}

/// A frame and the one that called it. Frames of the C stack, which only join two runs of
/// the evaluation loop, are none.
pub(crate) fn frame<M: Memory>(
    reader: &mut Reader<'_, M>,
    address: RemoteAddress,
) -> Result<(Option<FrameState>, RemoteAddress), Fault> {
    let Some(f) = &reader.layout.structs.py_interpreter_frame else {
        return frame_object(reader, address);
    };
    let constants = &reader.layout.constants;
    let previous = reader.cache.pointer(address.offset(f.previous))?;
    let owner = i64::from(reader.cache.u8(address.offset(f.owner))?);
    let between = [
        constants.frame_owned_by_cstack,
        constants.frame_owned_by_interpreter,
    ];
    if between.contains(&Some(owner)) {
        return Ok((None, previous));
    }
    let state = FrameState {
        address,
        frame_obj: reader.cache.pointer(address.offset(f.frame_obj))?,
        code: slots::executable(reader, address)?,
    };
    Ok((Some(state), previous))
}

/// As [`frame`], where every frame is an object.
fn frame_object<M: Memory>(
    reader: &mut Reader<'_, M>,
    address: RemoteAddress,
) -> Result<(Option<FrameState>, RemoteAddress), Fault> {
    let f = &reader.layout.structs.py_frame_object;
    let previous = reader.cache.pointer(address.offset(f.f_back))?;
    let code = match f.f_code {
        Some(f_code) => reader.cache.pointer(address.offset(f_code))?,
        None => RemoteAddress::NULL,
    };
    let state = FrameState {
        address,
        frame_obj: address,
        code,
    };
    Ok((Some(state), previous))
}
