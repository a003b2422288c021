//! Whether a table fits a target: what the target's memory must say of itself if it does.

use exuvia_memory::{Fault, Memory, PageCache, RemoteAddress};

use crate::spec::TableError;
use crate::{Disagreement, Flavor, GcLists, Layout, Version};

/// `_PyGC_PREV_MASK` and `_PyGC_NEXT_MASK`: the low bits of the collector's links are flags.
const LINK_FLAGS: u64 = 3;

/// The longest name of a type that is compared.
const NAME_LIMIT: usize = 64;

/// A target that is not what its table says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A part of the interpreter's state.
    #[error("{what} of the target can't be read")]
    Unreadable {
        /// Which part.
        what: &'static str,
        /// Where, and how much.
        #[source]
        source: Fault,
    },
    /// No `xdebugpy` where `_Py_DebugOffsets` must begin.
    #[error("no _Py_DebugOffsets at {runtime}, where _PyRuntime should be")]
    NoCookie {
        /// The address taken for that of `_PyRuntime`.
        runtime: RemoteAddress,
    },
    /// The version in `_Py_DebugOffsets` is not the one that the table was chosen for.
    #[error(
        "_Py_DebugOffsets is of version {hex:#x} ({flavor}), but the target was taken for \
         CPython {expected} ({expected_flavor})"
    )]
    OtherVersion {
        /// What the table was chosen for.
        expected: Version,
        /// What the table was chosen for.
        expected_flavor: Flavor,
        /// The version found, as `PY_VERSION_HEX`.
        hex: u64,
        /// The flavor found.
        flavor: Flavor,
    },
    /// An entry of `_Py_DebugOffsets` that can't be an offset.
    #[error("_Py_DebugOffsets gives {offset} for {field}")]
    ImpossibleOffset {
        /// Which entry.
        field: String,
        /// Its value.
        offset: u64,
    },
    /// The interpreter was not started yet, or has ended.
    #[error("the target has no interpreter: it is starting or ending")]
    NoInterpreter,
    /// The state of an interpreter is not the table's, and no known change explains it.
    #[error(
        "PyInterpreterState.{field} is at {target} in the target, and at {table} in the table: \
         where the rest of the interpreter's state lies is not known"
    )]
    OtherInterpreterState {
        /// The field, or `size`.
        field: String,
        /// Where the table has it.
        table: u64,
        /// Where the interpreter says that it is.
        target: u64,
    },
    /// A pointer that must lead back to where it came from.
    #[error("{path} is {found} in the target, and not {expected}")]
    NotItself {
        /// The way that was followed.
        path: &'static str,
        /// Where it led.
        found: RemoteAddress,
        /// Where it must lead.
        expected: RemoteAddress,
    },
    /// The table lacks what this build needs.
    #[error(transparent)]
    Table(TableError),
    /// A type under another name.
    #[error("{path} is named '{found}' in the target, and not '{expected}'")]
    OtherName {
        /// The way that was followed.
        path: &'static str,
        /// The name found.
        found: String,
        /// The name that it must have.
        expected: &'static str,
    },
}

/// Makes an error of a failed read.
pub(crate) fn unreadable(what: &'static str) -> impl Fn(Fault) -> Invalid {
    move |source| Invalid::Unreadable { what, source }
}

impl Layout {
    /// Checks the table against a target at rest, and corrects what the target itself says
    /// better: the offsets that it publishes, and where the collector's generations begin.
    /// Returns what was corrected; an error if the table does not fit.
    ///
    /// `runtime` is the address of `_PyRuntime`.
    pub fn fit<M: Memory>(
        &mut self,
        cache: &mut PageCache<M>,
        runtime: RemoteAddress,
    ) -> Result<Vec<Disagreement>, Invalid> {
        let mut corrected = self.apply_debug_offsets(cache, runtime)?;
        let size = corrected.iter().find(|one| one.is_size_of_runtime());
        if size.is_some_and(|size| self.take_state_of_size(size.target)) {
            corrected = self.apply_debug_offsets(cache, runtime)?;
        }
        self.follow_collector(&corrected)?;
        let head = runtime.offset(self.structs.py_runtime_state.interpreters_head);
        let interpreter = cache
            .pointer(head)
            .map_err(unreadable("_PyRuntime.interpreters.head"))?;
        if interpreter.is_null() {
            return Err(Invalid::NoInterpreter);
        }
        self.validate_interpreter(cache, runtime, interpreter)?;
        self.validate_types(cache, interpreter)?;
        corrected.extend(self.validate_gc(cache, runtime, interpreter)?);
        Ok(corrected)
    }

    /// Where the collector keeps its state: one for each interpreter, or, up to 3.8, one for
    /// all of them.
    pub fn gc_state(&self, runtime: RemoteAddress, interpreter: RemoteAddress) -> RemoteAddress {
        let own = self.structs.py_interpreter_state.gc;
        let shared = self.structs.py_runtime_state.gc;
        match (own, shared) {
            (Some(at), _) => interpreter.offset(at),
            (None, Some(at)) => runtime.offset(at),
            (None, None) => RemoteAddress::NULL,
        }
    }

    /// `interp->runtime` is the runtime (3.9 and later), and `interp->threads.head->interp`
    /// is `interp`.
    pub fn validate_interpreter<M: Memory>(
        &self,
        cache: &mut PageCache<M>,
        runtime: RemoteAddress,
        interpreter: RemoteAddress,
    ) -> Result<(), Invalid> {
        let i = &self.structs.py_interpreter_state;
        if let Some(at) = i.runtime {
            let back = cache
                .pointer(interpreter.offset(at))
                .map_err(unreadable("the state of the interpreter"))?;
            same("interp->runtime", back, runtime)?;
        }
        let thread = cache
            .pointer(interpreter.offset(i.threads_head))
            .map_err(unreadable("the state of the interpreter"))?;
        // An interpreter without threads is being made or unmade.
        if thread.is_null() {
            return Ok(());
        }
        let back = cache
            .pointer(thread.offset(self.structs.py_thread_state.interp))
            .map_err(unreadable("the state of a thread"))?;
        same("interp->threads.head->interp", back, interpreter)
    }

    /// `type(sys.__dict__)` is `dict`, `type(dict)` is `type`, and `type(type)` is `type`.
    pub fn validate_types<M: Memory>(
        &self,
        cache: &mut PageCache<M>,
        interpreter: RemoteAddress,
    ) -> Result<(), Invalid> {
        let sysdict = cache
            .pointer(interpreter.offset(self.structs.py_interpreter_state.sysdict))
            .map_err(unreadable("the state of the interpreter"))?;
        if sysdict.is_null() {
            return Err(Invalid::NoInterpreter);
        }
        let dict = self.type_of(cache, sysdict)?;
        self.named(cache, dict, "type(sys.__dict__)", "dict")?;
        let metatype = self.type_of(cache, dict)?;
        self.named(cache, metatype, "type(dict)", "type")?;
        let itself = self.type_of(cache, metatype)?;
        same("type(type)", itself, metatype)?;
        self.validate_static_types(cache, interpreter, dict)
    }

    /// What the interpreter keeps for `dict`, a static type, names that type: so it lies where
    /// the table says, far into the interpreter's state.
    fn validate_static_types<M: Memory>(
        &self,
        cache: &mut PageCache<M>,
        interpreter: RemoteAddress,
        dict: RemoteAddress,
    ) -> Result<(), Invalid> {
        let i = &self.structs.py_interpreter_state;
        let (Some(state), Some(array)) = (&self.structs.static_type_state, i.types_builtins) else {
            return Ok(());
        };
        let place = dict.offset(self.structs.py_type_object.tp_subclasses);
        let place = cache.u64(place).map_err(unreadable("a type"))?;
        let at = array.wrapping_add(place.wrapping_sub(1).wrapping_mul(state.size));
        let named = cache
            .pointer(interpreter.offset(at.wrapping_add(state.type_)))
            .map_err(unreadable("the state of static types"))?;
        same("interp->types.builtins[dict].type", named, dict)
    }

    /// `gc.generation0` points to `gc.generations[0]`; where a distribution has moved the
    /// generations, the table follows, and the move is returned. Debian lowers an alignment
    /// in 3.13, which puts them 4 bytes before their place. Without lists, the heaps are
    /// checked in which the collector looks for its objects.
    pub fn validate_gc<M: Memory>(
        &mut self,
        cache: &mut PageCache<M>,
        runtime: RemoteAddress,
        interpreter: RemoteAddress,
    ) -> Result<Option<Disagreement>, Invalid> {
        let state = self.gc_state(runtime, interpreter);
        match self.shapes.gc_lists {
            GcLists::ThreeGenerations => {}
            GcLists::Incremental => return self.validate_lists(cache, state).map(|()| None),
            GcLists::MimallocSegments => {
                self.validate_mimalloc(cache, interpreter)?;
                return Ok(None);
            }
        }
        let (generation0, length) = self.lists().map_err(Invalid::Table)?;
        let gc = &mut self.structs.gc_runtime_state;
        let found = cache
            .pointer(state.offset(generation0))
            .map_err(unreadable("the state of the collector"))?;
        let expected = state.offset(gc.generations);
        if found == expected {
            return Ok(None);
        }
        // The generations lie before the pointer to them, so that much room there is.
        let offset = found.get().wrapping_sub(state.get());
        let length = length.saturating_mul(self.structs.gc_generation.size);
        if offset.saturating_add(length) > generation0 || !found.is_aligned(4) {
            return Err(Invalid::NotItself {
                path: "interp->gc.generation0",
                found,
                expected,
            });
        }
        let moved = Disagreement {
            name: "_gc_runtime_state",
            field: "generations".to_owned(),
            table: gc.generations,
            target: offset,
        };
        gc.generations = offset;
        Ok(Some(moved))
    }

    /// Each list leads from its head to an object whose link before leads to the head.
    fn validate_lists<M: Memory>(
        &self,
        cache: &mut PageCache<M>,
        state: RemoteAddress,
    ) -> Result<(), Invalid> {
        let gc = &self.structs.gc_runtime_state;
        let head = &self.structs.py_gc_head;
        let step = self.structs.gc_generation.size;
        let (_, length) = self.lists().map_err(Invalid::Table)?;
        let generations = (0..length).map(|i| gc.generations + i * step);
        for at in generations.chain([gc.permanent_generation]) {
            let list = state.offset(at);
            let mut link = |at: RemoteAddress| {
                let link = cache.pointer(at).map(|link| link.without_bits(LINK_FLAGS));
                link.map_err(unreadable("the lists of the collector"))
            };
            let first = link(list.offset(head._gc_next))?;
            let back = link(first.offset(head._gc_prev))?;
            same("interp->gc lists: head->next->prev", back, list)?;
        }
        Ok(())
    }

    /// Where `generation0` lies in the collector's state, and how many generations there are.
    fn lists(&self) -> Result<(u64, u64), TableError> {
        const NAME: &str = "_gc_runtime_state";
        let gc = &self.structs.gc_runtime_state;
        let missing = |field| TableError::MissingField(NAME, field);
        let generation0 = gc.generation0.ok_or(missing("generation0"))?;
        let length = gc.generations_length.ok_or(missing("generations_length"))?;
        Ok((generation0, length))
    }

    fn type_of<M: Memory>(
        &self,
        cache: &mut PageCache<M>,
        object: RemoteAddress,
    ) -> Result<RemoteAddress, Invalid> {
        cache
            .pointer(object.offset(self.structs.py_object.ob_type))
            .map_err(unreadable("an object"))
    }

    fn named<M: Memory>(
        &self,
        cache: &mut PageCache<M>,
        type_object: RemoteAddress,
        path: &'static str,
        expected: &'static str,
    ) -> Result<(), Invalid> {
        let name = type_object.offset(self.structs.py_type_object.tp_name);
        let found = cache
            .pointer(name)
            .and_then(|name| cache.c_string(name, NAME_LIMIT))
            .map_err(unreadable("the name of a type"))?;
        if found == expected {
            return Ok(());
        }
        Err(Invalid::OtherName {
            path,
            found,
            expected,
        })
    }
}

pub(crate) fn same(
    path: &'static str,
    found: RemoteAddress,
    expected: RemoteAddress,
) -> Result<(), Invalid> {
    if found == expected {
        return Ok(());
    }
    Err(Invalid::NotItself {
        path,
        found,
        expected,
    })
}
