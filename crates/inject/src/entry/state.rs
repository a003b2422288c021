//! What an interpreter says of itself at a moment at which it stands still.

use exuvia_cpython::{Gil, Layout, PendingCalls};
use exuvia_memory::{Fault, Memory, RemoteAddress};

use super::read::Reader;
use super::ring::Ring;
use super::thread::{PythonThread, is_near_limit};

/// More threads than an interpreter has; more is a chain that goes round.
const MAX_THREADS: usize = 100_000;

/// The main interpreter of a process, as far as it matters to who wants to get in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeState {
    /// `_PyRuntime`.
    pub runtime: RemoteAddress,
    /// The main interpreter; null when there is none.
    pub interpreter: RemoteAddress,
    /// Whether it can run code.
    pub phase: Phase,
    /// Its lock. None where there is none: in a free-threaded build, unless a module needs it.
    pub gil: Option<GilState>,
    /// Its threads, the newest first.
    pub threads: Vec<PythonThread>,
    /// The [`thread_id`](PythonThread::thread_id) of the main thread, also when that has ended.
    pub main_thread: u64,
    /// Whether a thread has asked all others to stop, and will let them go on: free-threaded.
    pub stops_the_world: bool,
    /// Whether somebody audits what the interpreter does, and may refuse it.
    pub has_audit_hooks: bool,
    /// Whether the main thread, or who holds the lock, may be near the limit of recursion.
    pub is_near_limit: bool,
    /// Whether somebody else may ask the interpreter to run a script.
    pub remote_debugging: RemoteDebugging,
    /// The ring that is served by the main thread, up to 3.11, or by any.
    pub ring: Option<Ring>,
    /// The ring that only the main thread serves, where there are two: from 3.12.
    pub main_ring: Option<Ring>,
}

/// Whether an interpreter can run code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It is not up yet, or gone already.
    NotInitialized,
    /// It is up.
    Running,
    /// It is about to end, and lets other threads run no more.
    Finalizing,
}

/// The interpreter lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GilState {
    /// Where it is, and how long.
    pub address: RemoteAddress,
    /// In bytes.
    pub size: u64,
    /// The state of the thread that holds it.
    pub holder: Option<RemoteAddress>,
    /// Whether a thread is just taking it or giving it away, and has locked what guards it meanwhile.
    pub changes_hands: bool,
}

/// PEP 768.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteDebugging {
    /// The interpreter knows nothing of it: up to 3.13.
    Unknown,
    /// It runs scripts for others.
    Enabled,
    /// It was told not to: by `PYTHON_DISABLE_REMOTE_DEBUG`, by `-X disable-remote-debug`, or
    /// when it was built.
    Disabled,
}

impl RuntimeState {
    /// Reads it from a process that stands still. `runtime` is the address of `_PyRuntime`,
    /// and the layout was [fitted](Layout::fit) to the process.
    pub fn read<M: Memory>(
        memory: &M,
        layout: &Layout,
        runtime: RemoteAddress,
    ) -> Result<Self, Fault> {
        let memory = &Reader(memory);
        let r = &layout.structs.py_runtime_state;
        let interpreter = memory.pointer(runtime.offset(r.interpreters_main))?;
        let mut state = Self {
            runtime,
            interpreter,
            phase: phase(memory, layout, runtime, interpreter)?,
            gil: None,
            threads: Vec::new(),
            main_thread: memory.u64(runtime.offset(r.main_thread))?,
            stops_the_world: false,
            has_audit_hooks: false,
            is_near_limit: false,
            remote_debugging: RemoteDebugging::Unknown,
            ring: None,
            main_ring: None,
        };
        if state.phase != Phase::Running {
            return Ok(state);
        }
        state.gil = gil(memory, layout, runtime, interpreter)?;
        state.threads = threads(memory, layout, interpreter)?;
        state.is_near_limit = state.threads.iter().any(|thread| {
            let serves = state.holds_gil(thread) || state.is_main(thread);
            serves && is_near_limit(memory, layout, thread.address)
        });
        state.stops_the_world = stops_the_world(memory, layout, runtime, interpreter)?;
        state.has_audit_hooks = has_audit_hooks(memory, layout, runtime, interpreter)?;
        state.remote_debugging = remote_debugging(memory, layout, interpreter)?;
        let i = &layout.structs.py_interpreter_state;
        let own = i.ceval_pending.map(|at| interpreter.offset(at));
        let shared = r.ceval_pending.map(|at| runtime.offset(at));
        let main = r.ceval_pending_mainthread.map(|at| runtime.offset(at));
        let read = |address| Ring::read(memory, layout, address);
        state.ring = own.or(shared).map(read).transpose()?;
        state.main_ring = main.map(read).transpose()?;
        Ok(state)
    }

    /// The thread with this thread pointer.
    pub fn thread(&self, thread_pointer: u64) -> Option<&PythonThread> {
        let mut threads = self.threads.iter();
        threads.find(|thread| thread.thread_id == thread_pointer)
    }

    /// The thread that holds the lock. There may be one that is of another interpreter.
    pub fn holds_gil(&self, thread: &PythonThread) -> bool {
        self.gil.and_then(|gil| gil.holder) == Some(thread.address)
    }

    /// Whether a thread is the main one.
    pub fn is_main(&self, thread: &PythonThread) -> bool {
        thread.thread_id == self.main_thread
    }

    /// The ring that the wanted threads serve: the main one only, or any.
    pub fn ring_for(&self, layout: &Layout, main_only: bool) -> Option<&Ring> {
        match (layout.shapes.pending_calls, main_only) {
            (PendingCalls::AnyThread, true) => self.main_ring.as_ref(),
            (PendingCalls::AnyThread, false) | (PendingCalls::MainThread, _) => self.ring.as_ref(),
        }
    }
}

fn phase<M: Memory>(
    memory: &Reader<'_, M>,
    layout: &Layout,
    runtime: RemoteAddress,
    interpreter: RemoteAddress,
) -> Result<Phase, Fault> {
    let r = &layout.structs.py_runtime_state;
    let i = &layout.structs.py_interpreter_state;
    if interpreter.is_null() {
        return Ok(Phase::NotInitialized);
    }
    // One that ends is not initialized any more, almost from the beginning of that.
    let ends = !memory.pointer(runtime.offset(r._finalizing))?.is_null()
        || memory.u32(interpreter.offset(i.finalizing))? != 0;
    if ends {
        return Ok(Phase::Finalizing);
    }
    Ok(match memory.u32(runtime.offset(r.initialized))? {
        0 => Phase::NotInitialized,
        _ => Phase::Running,
    })
}

fn gil<M: Memory>(
    memory: &Reader<'_, M>,
    layout: &Layout,
    runtime: RemoteAddress,
    interpreter: RemoteAddress,
) -> Result<Option<GilState>, Fault> {
    let structs = &layout.structs;
    let g = &structs.gil_runtime_state;
    let shared = structs.py_runtime_state.ceval_gil;
    let own = structs.py_interpreter_state.ceval_gil;
    let address = match (layout.shapes.gil, shared, own) {
        (Gil::Runtime, Some(at), _) => runtime.offset(at),
        (Gil::Interpreter, _, Some(at)) => memory.pointer(interpreter.offset(at))?,
        _ => return Ok(None),
    };
    if address.is_null() {
        return Ok(None);
    }
    if let Some(at) = g.enabled
        && memory.u32(address.offset(at))? as i32 <= 0
    {
        return Ok(None);
    }
    // Below 0 before it is made, and 0 when it is free; then the last holder is still named.
    let is_locked = memory.u32(address.offset(g.locked))? as i32 > 0;
    let holder = memory.pointer(address.offset(g.last_holder))?;
    // A `pthread_mutex_t`: with glibc a lock and a count of 0, with musl a type of 0 and a lock.
    let is_held = |mutex| Ok(memory.u64(address.offset(mutex))? != 0);
    Ok(Some(GilState {
        address,
        size: g.size,
        holder: (is_locked && !holder.is_null()).then_some(holder),
        changes_hands: is_held(g.mutex)? || is_held(g.switch_mutex)?,
    }))
}

fn threads<M: Memory>(
    memory: &Reader<'_, M>,
    layout: &Layout,
    interpreter: RemoteAddress,
) -> Result<Vec<PythonThread>, Fault> {
    let head = layout.structs.py_interpreter_state.threads_head;
    let next = layout.structs.py_thread_state.next;
    let mut found = Vec::new();
    let mut address = memory.pointer(interpreter.offset(head))?;
    while !address.is_null() && found.len() < MAX_THREADS {
        found.push(PythonThread::read(memory, layout, address)?);
        address = memory.pointer(address.offset(next))?;
    }
    Ok(found)
}

fn stops_the_world<M: Memory>(
    memory: &Reader<'_, M>,
    layout: &Layout,
    runtime: RemoteAddress,
    interpreter: RemoteAddress,
) -> Result<bool, Fault> {
    let of_all = layout.structs.py_runtime_state.stoptheworld_requested;
    let own = layout.structs.py_interpreter_state.stoptheworld_requested;
    let of_all = of_all.map(|at| runtime.offset(at));
    let own = own.map(|at| interpreter.offset(at));
    for requested in [of_all, own].into_iter().flatten() {
        if memory.u8(requested)? != 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_audit_hooks<M: Memory>(
    memory: &Reader<'_, M>,
    layout: &Layout,
    runtime: RemoteAddress,
    interpreter: RemoteAddress,
) -> Result<bool, Fault> {
    let in_c = layout.structs.py_runtime_state.audit_hook_head;
    let in_python = layout.structs.py_interpreter_state.audit_hooks;
    Ok(!memory.pointer(runtime.offset(in_c))?.is_null()
        || !memory.pointer(interpreter.offset(in_python))?.is_null())
}

fn remote_debugging<M: Memory>(
    memory: &Reader<'_, M>,
    layout: &Layout,
    interpreter: RemoteAddress,
) -> Result<RemoteDebugging, Fault> {
    let Some(at) = layout.structs.py_interpreter_state.config_remote_debug else {
        return Ok(RemoteDebugging::Unknown);
    };
    Ok(match memory.u32(interpreter.offset(at))? {
        1 => RemoteDebugging::Enabled,
        _ => RemoteDebugging::Disabled,
    })
}
