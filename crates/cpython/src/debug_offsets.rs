//! The offsets that an interpreter publishes of itself, from 3.13: `_Py_DebugOffsets`, at
//! the start of `_PyRuntime`.

use std::fmt;

use exuvia_memory::{Memory, PageCache, RemoteAddress};

use crate::validate::{Invalid, unreadable};
use crate::{Flavor, Layout, Structs, Version};

/// What `_Py_DebugOffsets` begins with.
const COOKIE: [u8; 8] = *b"xdebugpy";

/// Larger than any struct of the interpreter: what is above was not an offset.
const LARGEST_OFFSET: u64 = 1 << 24;

/// Where `free_threaded` lies, and before it the version.
const VERSION: u64 = 8;
const FREE_THREADED: u64 = 16;

/// Names in `_Py_DebugOffsets` that differ from those of the field they are about, and the
/// struct and field.
const NAMES: &[(&str, &str, &str)] = &[
    ("runtime_state.finalizing", "_PyRuntimeState", "_finalizing"),
    (
        "interpreter_state.imports_modules",
        "PyInterpreterState",
        "modules",
    ),
    (
        "interpreter_frame.executable",
        "_PyInterpreterFrame",
        "f_executable",
    ),
    ("err_stackitem.exc_value", "_PyErr_StackItem", "exc_value"),
    ("unicode_object.size", "PyUnicodeObject", "size"),
    (
        "unicode_object.compactunicodeobject_size",
        "PyCompactUnicodeObject",
        "size",
    ),
    ("unicode_object.asciiobject_size", "PyASCIIObject", "size"),
    (
        "debugger_support.eval_breaker",
        "PyThreadState",
        "eval_breaker",
    ),
    (
        "debugger_support.remote_debugging_enabled",
        "PyInterpreterState",
        "config_remote_debug",
    ),
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
    ("heap_type_object", "PyHeapTypeObject", ""),
    ("tuple_object", "PyTupleObject", ""),
    ("list_object", "PyListObject", ""),
    ("set_object", "PySetObject", ""),
    ("dict_object", "PyDictObject", ""),
    ("float_object", "PyFloatObject", ""),
    ("long_object", "PyLongObject", ""),
    ("bytes_object", "PyBytesObject", ""),
    ("unicode_object", "PyASCIIObject", ""),
    ("gc", "_gc_runtime_state", ""),
    ("gen_object", "PyGenObject", ""),
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

impl Layout {
    /// Takes over the offsets that the target publishes of itself, where it does, and
    /// returns those that the table had otherwise.
    ///
    /// `runtime` is the address of `_PyRuntime`.
    pub fn apply_debug_offsets<M: Memory>(
        &mut self,
        cache: &mut PageCache<M>,
        runtime: RemoteAddress,
    ) -> Result<Vec<Disagreement>, Invalid> {
        let mut disagreements = Vec::new();
        if self.debug_offsets.is_empty() {
            return Ok(disagreements);
        }
        self.check_head(cache, runtime)?;
        for (theirs, &at) in &self.debug_offsets {
            let Some((name, field)) = ours(&self.structs, theirs) else {
                continue;
            };
            let target = cache
                .u64(runtime.offset(at))
                .map_err(unreadable("_Py_DebugOffsets"))?;
            if target > LARGEST_OFFSET {
                return Err(Invalid::ImpossibleOffset {
                    field: theirs.clone(),
                    offset: target,
                });
            }
            if let Some(table) = self.structs.get_mut(name, &field)
                && *table != target
            {
                disagreements.push(Disagreement {
                    name,
                    field,
                    table: *table,
                    target,
                });
                *table = target;
            }
        }
        Ok(disagreements)
    }

    /// The cookie, and that version and flavor are those that the table was chosen for.
    fn check_head<M: Memory>(
        &self,
        cache: &mut PageCache<M>,
        runtime: RemoteAddress,
    ) -> Result<(), Invalid> {
        let wrong = unreadable("_Py_DebugOffsets");
        let cookie = cache.array::<8>(runtime).map_err(&wrong)?;
        if cookie != COOKIE {
            return Err(Invalid::NoCookie { runtime });
        }
        let hex = cache.u64(runtime.offset(VERSION)).map_err(&wrong)?;
        let version = u32::try_from(hex).ok().and_then(Version::from_hex);
        let free_threaded = cache.u64(runtime.offset(FREE_THREADED)).map_err(&wrong)?;
        let flavor = match free_threaded {
            0 => Flavor::Gil,
            _ => Flavor::FreeThreaded,
        };
        if version == Some(self.version) && flavor == self.flavor {
            return Ok(());
        }
        Err(Invalid::OtherVersion {
            expected: self.version,
            expected_flavor: self.flavor,
            hex,
            flavor,
        })
    }
}

/// The struct and field that an entry is about, if the table has it.
fn ours(structs: &Structs, theirs: &str) -> Option<(&'static str, String)> {
    if let Some((_, name, field)) = NAMES.iter().find(|(entry, ..)| *entry == theirs) {
        return Some((name, (*field).to_owned()));
    }
    let (section, field) = theirs.split_once('.')?;
    let (_, name, prefix) = SECTIONS.iter().find(|(entry, ..)| *entry == section)?;
    let names = [field.to_owned(), format!("{prefix}{field}")];
    let field = names
        .into_iter()
        .find(|field| structs.get(name, field).is_some())?;
    Some((name, field))
}

impl Disagreement {
    /// Whether the runtime's whole state is another than the table's.
    pub(crate) fn is_size_of_runtime(&self) -> bool {
        self.name == "_PyRuntimeState" && self.field == "size"
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            field,
            table,
            target,
        } = self;
        write!(
            f,
            "{name}.{field} is at {target} in the target, and at {table} in the table"
        )
    }
}
