//! What the process does: the stacks of its threads, tasks and generators.

mod awaiting;
mod locals;
mod names;
mod suspended;
mod tasks;

use crate::{Heap, python_text::harmless};
use exuvia_snapshot::{Frame, ObjectId, SuspendedFrame};
use serde::Serialize;

pub use locals::Local;
pub use suspended::SuspendedGroup;
pub(crate) use tasks::in_tasks;
pub use tasks::{Awaited, Task, TaskState};

/// What a process does, and what it has put aside.
///
/// Every stack begins with the oldest frame, as a traceback of Python does: the most recent
/// call is the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Threads {
    /// Threads that run Python, the oldest first.
    pub threads: Vec<ThreadStack>,
    /// Suspended greenlets.
    pub greenlets: Vec<ThreadStack>,
    /// Tasks of asyncio that are not done, by address.
    pub tasks: Vec<Task>,
    /// Generators and coroutines that don't run and no task waits in, by where they are: the
    /// most of them first.
    pub suspended: Vec<SuspendedGroup>,
}

/// A thread or greenlet and its frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThreadStack {
    /// The number of its interpreter.
    pub interpreter: u32,
    /// The name that `threading` has for it.
    pub name: Option<String>,
    /// `threading.get_ident()`; of a greenlet its `id()`.
    pub ident: u64,
    /// `threading.get_native_id()`; none before Python 3.11, and of greenlets.
    pub native_id: Option<u64>,
    /// Whether it held the GIL.
    pub holds_gil: bool,
    /// The oldest frame first.
    pub stack: Vec<StackFrame>,
}

/// A frame of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackFrame {
    /// `co_qualname`, or `co_name`.
    pub function: String,
    /// `co_filename`.
    pub file: String,
    /// The line; 0 where it can't be told.
    pub line: u32,
    /// Its variables, if they were asked for. Those of a module are left out.
    pub locals: Vec<Local>,
}

impl Heap {
    /// What the process does; `locals` says whether the variables of frames are wanted.
    pub fn threads(&self, locals: bool) -> Threads {
        let (greenlets, threads) = (0u32..)
            .zip(&self.snapshot().threads)
            .map(|(row, thread)| {
                let name = names::of_thread(self, thread);
                let frames = self.snapshot().frames.iter();
                let frames = frames.filter(|frame| frame.thread == row);
                ThreadStack {
                    interpreter: thread.interpreter,
                    name: name.map(|name| harmless(&name).into_owned()),
                    ident: thread.ident,
                    native_id: thread.native_id,
                    holds_gil: thread.holds_gil,
                    stack: frames
                        .map(|frame| StackFrame::running(self, frame, locals))
                        .collect(),
                }
            })
            .partition(|thread| names::is_greenlet(self, thread.ident));
        let (tasks, shown) = tasks::find(self, locals);
        Threads {
            threads,
            greenlets,
            tasks,
            suspended: suspended::groups(self, &shown, locals),
        }
    }

    /// The row of a generator or coroutine that waits.
    pub(crate) fn suspended_frame(&self, object: ObjectId) -> Option<&SuspendedFrame> {
        let rows = &self.snapshot().suspended;
        let row = rows.binary_search_by_key(&object, |row| row.object).ok()?;
        rows.get(row)
    }
}

impl StackFrame {
    fn running(heap: &Heap, frame: &Frame, with_locals: bool) -> Self {
        let locals = with_locals.then(|| locals::of_frame(heap, frame.object));
        Self::new(&frame.function, &frame.file, frame.line, locals)
    }

    fn suspended(heap: &Heap, frame: &SuspendedFrame, with_locals: bool) -> Self {
        let locals = with_locals.then(|| locals::of_generator(heap, frame.object));
        Self::new(&frame.function, &frame.file, frame.line, locals)
    }

    fn new(function: &str, file: &str, line: u32, locals: Option<Vec<Local>>) -> Self {
        Self {
            function: harmless(function).into_owned(),
            file: harmless(file).into_owned(),
            line,
            locals: locals.unwrap_or_default(),
        }
    }
}
