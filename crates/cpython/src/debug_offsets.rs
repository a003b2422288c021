//! The offsets that an interpreter publishes of itself, from 3.13: `_Py_DebugOffsets`, at
//! the start of `_PyRuntime`.

use std::fmt;

use exuvia_memory::{Memory, PageCache, RemoteAddress};

use crate::validate::{Invalid, Step};
use crate::{Flavor, Layout, Version};

/// What `_Py_DebugOffsets` begins with.
const COOKIE: [u8; 8] = *b"xdebugpy";

/// Larger than any struct of the interpreter: what is above was not an offset.
const LARGEST_OFFSET: u64 = 1 << 24;

/// Names in `_Py_DebugOffsets` whose field here is not found by name: theirs, then the
/// struct and the field.
const NAMES: &[(&str, &str, &str)] = &[
    ("runtime_state.finalizing", "_PyRuntimeState", "_finalizing"),
    ("interpreter_state.imports_modules", "PyInterpreterState", "modules"),
    ("interpreter_frame.executable", "_PyInterpreterFrame", "f_executable"),
    ("tuple_object.size", "", ""),
    ("unicode_object.size", "PyUnicodeObject", "size"),
    ("unicode_object.asciiobject_size", "PyASCIIObject", "size"),
    // Within an interpreter: the lock itself, and fields relative to the interpreter.
    ("interpreter_state.gil_runtime_state", "", ""),
    ("interpreter_state.gil_runtime_state_enabled", "", ""),
    ("interpreter_state.gil_runtime_state_locked", "", ""),
    ("interpreter_state.gil_runtime_state_holder", "", ""),
];

/// Sections of `_Py_DebugOffsets`, the struct here that they are about, and the prefix of
/// its fields that they leave out.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("runtime_state", "_PyRuntimeState", ""),
    ("interpreter_state", "PyInterpreterState", ""),
    ("thread_state", "PyThreadState", ""),
    ("interpreter_frame", "_PyInterpreterFrame", ""),
    ("code_object", "PyCodeObject", "co_"),
    ("pyobject", "PyObject", ""),
    ("type_object", "PyTypeObject", ""),
    ("tuple_object", "PyTupleObject", ""),
    ("list_object", "PyListObject", ""),
    ("dict_object", "PyDictObject", ""),
    ("float_object", "PyFloatObject", ""),
    ("long_object", "PyLongObject", ""),
    ("bytes_object", "PyBytesObject", ""),
    ("unicode_object", "PyASCIIObject", ""),
    ("gc", "_gc_runtime_state", ""),
];

/// A field on whose place the interpreter and its table do not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The C struct.
    pub name: &'static str,
    /// The field.
    pub field: String,
    /// Where the table has it.
    pub table: u64,
    /// Where the interpreter says that it is; this holds.
    pub target: u64,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            field,
            table,
            target,
        } = self;
        write!(f, "{name}.{field} is at {target} in the target, and at {table} in the table")
    }
}
