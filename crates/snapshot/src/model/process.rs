use crate::ObjectId;

/// A place where reachability begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// heapy's name: `i0_modules`, `i0_t140192_f0`.
    pub name: String,
    /// What it holds.
    pub target: ObjectId,
    /// What sort of place it is.
    pub category: RootCategory,
    /// Whether it owns one of the target's references.
    pub owned: bool,
}

/// What sort of place a root is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RootCategory {
    /// A field of an interpreter's state, or of the runtime.
    Interpreter,
    /// A frame or another field of a thread's state.
    Thread,
    /// Static types and objects, which are there without anybody holding them, and caches,
    /// which hold by chance. A path never begins here when another root reaches the object.
    Static,
    /// A word of the static data of the program or a library that leads to an object:
    /// probably a variable of C code. It makes nothing alive, because such a word may borrow
    /// or be stale, but names the holder of an object that something holds.
    Variable,
}

/// A thread that runs Python.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thread {
    /// The number of its interpreter, from 0.
    pub interpreter: u32,
    /// `threading.get_ident()`.
    pub ident: u64,
    /// `threading.get_native_id()`; none before 3.11.
    pub native_id: Option<u64>,
    /// Whether it held the GIL.
    pub holds_gil: bool,
}

/// A frame of a thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// Index into the threads.
    pub thread: u32,
    /// 0 for the thread's oldest frame.
    pub depth: u32,
    /// The frame as an object, possibly a synthetic one.
    pub object: ObjectId,
    /// The code that runs.
    pub code: Option<ObjectId>,
    /// `co_qualname`, or `co_name`.
    pub function: String,
    /// `co_filename`.
    pub file: String,
    /// The line that runs; 0 where it can't be told.
    pub line: u32,
}

/// The frame of a generator, coroutine or asynchronous generator that does not run: not yet,
/// or not until somebody goes on with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SuspendedFrame {
    /// The generator, coroutine or asynchronous generator.
    pub object: ObjectId,
    /// Its code.
    pub code: Option<ObjectId>,
    /// `co_qualname`, or `co_name`.
    pub function: String,
    /// `co_filename`.
    pub file: String,
    /// The line where it goes on, as `f_lineno` says; 0 where it can't be told.
    pub line: u32,
}

/// A mapping of the process's address space, from `smaps`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// Address after the last.
    pub end: u64,
    /// Permissions as in `/proc/PID/maps`: `rw-p`.
    pub permissions: String,
    /// Offset into the file.
    pub offset: u64,
    /// The file, or a name such as `[heap]`; empty for anonymous memory.
    pub path: String,
    /// Bytes of it in memory; 0 where it was not asked.
    pub resident: u64,
    /// Those bytes, each page divided by how many processes have it: its `Pss`. 0 where it was
    /// not asked.
    pub proportional: u64,
    /// Bytes of it that are swapped out; 0 where it was not asked.
    pub swapped: u64,
}
