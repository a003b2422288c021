//! PEP 768: a thread is asked to run a script, from 3.14 on.

use exuvia_cpython::{Layout, eval_breaker_bits};
use exuvia_memory::RemoteAddress;
use exuvia_tracee::Patch;

use super::state::RuntimeState;
use super::thread::PythonThread;

/// A script that a thread was asked to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptRequest {
    /// The state of the thread.
    thread: RemoteAddress,
    path: Vec<u8>,
}

impl ScriptRequest {
    /// Plans to ask a thread for the run of a file, by its path as the process sees it. None
    /// when the thread has been asked already, or where the interpreter has no place for the
    /// path.
    pub fn plan(thread: &PythonThread, layout: &Layout, path: &str) -> Option<Self> {
        let t = &layout.structs.py_thread_state;
        let room = t.debugger_script_path_length?;
        let mut path = path.as_bytes().to_vec();
        path.push(0);
        let fits = path.len() as u64 <= room;
        (fits && !thread.runs_script_soon).then_some(Self {
            thread: thread.address,
            path,
        })
    }

    /// What asks: the path first, then that there is one, then that the thread is to look.
    pub fn post(&self, layout: &Layout) -> Option<Patch> {
        let t = &layout.structs.py_thread_state;
        let at = |field: u64| self.thread.offset(field);
        let pending = at(t.debugger_pending_call?);
        Some(
            Patch::new()
                .expect(pending, &0u32.to_le_bytes())
                .set(at(t.debugger_script_path?), &self.path)
                .set(pending, &1u32.to_le_bytes())
                .set_bits(at(t.eval_breaker?), eval_breaker_bits::PLEASE_STOP),
        )
    }

    /// Whether the thread has begun.
    pub fn is_taken(&self, state: &RuntimeState) -> bool {
        let mut threads = state.threads.iter();
        let thread = threads.find(|thread| thread.address == self.thread);
        thread.is_some_and(|thread| !thread.runs_script_soon)
    }

    /// Whether the thread has ended.
    pub fn is_gone(&self, state: &RuntimeState) -> bool {
        let mut threads = state.threads.iter();
        threads.all(|thread| thread.address != self.thread)
    }

    /// What takes the request back. It does nothing, and says so, when the thread has begun.
    pub fn withdraw(&self, layout: &Layout) -> Option<Patch> {
        let t = &layout.structs.py_thread_state;
        let pending = self.thread.offset(t.debugger_pending_call?);
        let patch = Patch::new().expect(pending, &1u32.to_le_bytes());
        Some(
            self.without_path(patch, layout)?
                .set(pending, &0u32.to_le_bytes()),
        )
    }

    /// What wipes out the path when the script was run.
    pub fn wipe(&self, layout: &Layout) -> Option<Patch> {
        let t = &layout.structs.py_thread_state;
        let pending = self.thread.offset(t.debugger_pending_call?);
        let patch = Patch::new().expect(pending, &0u32.to_le_bytes());
        self.without_path(patch, layout)
    }

    fn without_path(&self, patch: Patch, layout: &Layout) -> Option<Patch> {
        let path = self
            .thread
            .offset(layout.structs.py_thread_state.debugger_script_path?);
        let nothing = vec![0; self.path.len()];
        Some(patch.expect(path, &self.path).set(path, &nothing))
    }
}
