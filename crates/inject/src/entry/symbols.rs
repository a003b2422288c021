//! The functions of the interpreter that are called.

use exuvia_memory::RemoteAddress;
use exuvia_tracee::{MappedFiles, Mappings, find_symbols};

macro_rules! symbols {
    ($($(#[$meta:meta])* $field:ident: $name:literal,)*) => {
        /// Where functions and variables of the interpreter are in a target.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct Symbols {
            $(
                $(#[$meta])*
                #[doc = concat!("`", $name, "`.")]
                pub $field: RemoteAddress,
            )*
        }

        const NAMES: [&str; [$($name),*].len()] = [$($name),*];

        impl Symbols {
            fn all([$($field),*]: [Option<RemoteAddress>; NAMES.len()]) -> Option<Self> {
                Some(Self { $($field: $field?),* })
            }
        }
    };
}

symbols! {
    run_simple_string: "PyRun_SimpleString",
    gil_state_ensure: "PyGILState_Ensure",
    gil_state_release: "PyGILState_Release",
    dict_new: "PyDict_New",
    dict_set_item_string: "PyDict_SetItemString",
    get_builtins: "PyEval_GetBuiltins",
    compile_string: "Py_CompileString",
    eval_code: "PyEval_EvalCode",
    err_clear: "PyErr_Clear",
    dec_ref: "Py_DecRef",
    is_true: "PyObject_IsTrue",
    before_fork: "PyOS_BeforeFork",
    after_fork_child: "PyOS_AfterFork_Child",
    /// A variable that points to the class.
    keyboard_interrupt: "PyExc_KeyboardInterrupt",
}

/// The interpreter does not show a function that is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the interpreter does not export {}", names.join(", "))]
pub struct MissingSymbols {
    /// Which ones.
    pub names: Vec<&'static str>,
}

impl MissingSymbols {
    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        "code can be run where the interpreter's functions have names: in a program that embeds \
         it, link with -rdynamic, or to libpython"
    }
}

impl Symbols {
    /// Finds them in the files that a target maps.
    pub fn find(files: &dyn MappedFiles, mappings: &Mappings) -> Result<Self, MissingSymbols> {
        let found = find_symbols(files, mappings, NAMES);
        Self::all(found).ok_or_else(|| {
            let names = NAMES.into_iter().zip(found);
            let missing = names.filter(|(_, address)| address.is_none());
            MissingSymbols {
                names: missing.map(|(name, _)| name).collect(),
            }
        })
    }
}
