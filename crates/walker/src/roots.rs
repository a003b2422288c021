//! Where reachability begins: the state of the runtime, of interpreters and of threads.

use crate::queued;
use crate::reader::Reader;
use crate::runtime::{Interpreter, ThreadState};
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_snapshot::RootCategory;

/// A root before objects have numbers.
#[derive(Debug, Clone)]
pub(crate) struct RootAddress {
    pub(crate) name: String,
    pub(crate) target: RemoteAddress,
    pub(crate) category: RootCategory,
    pub(crate) owned: bool,
    /// The index of its interpreter; of the first one for what is the runtime's.
    pub(crate) owner: usize,
}

/// The most callbacks of `atexit` that are read.
const MAX_CALLBACKS: u64 = 1 << 16;
/// The most small integers that are read: `_PY_NSMALLNEGINTS + _PY_NSMALLPOSINTS` is 262.
const MAX_SMALL_INTS: u64 = 1 << 12;
/// The most identifiers that are read; CPython has some hundreds, and gives the next one that
/// is used the next number.
const MAX_IDENTIFIERS: u64 = 1 << 16;
/// The most entries of the cache of methods that are read: `1 << MCACHE_SIZE_EXP`.
const MAX_CACHED: u64 = 1 << 12;
/// The dictionary of interned strings does not keep them alive: a string takes itself out
/// of it when it ends.
const NOT_HOLDING: &str = "interned_strings";

/// Every root of the process.
pub(crate) fn find<M: Memory>(
    reader: &mut Reader<'_, M>,
    runtime: RemoteAddress,
    interpreters: &[Interpreter],
) -> Vec<RootAddress> {
    let layout = reader.layout;
    let mut roots = Roots::default();
    roots.fields(
        reader,
        "",
        runtime,
        &layout.roots.runtime,
        RootCategory::Interpreter,
    );
    for (owner, interpreter) in interpreters.iter().enumerate() {
        roots.owner = owner;
        let prefix = format!("i{}_", interpreter.id);
        roots.fields(
            reader,
            &prefix,
            interpreter.address,
            &layout.roots.interpreter,
            RootCategory::Interpreter,
        );
        roots.atexit(reader, &prefix, interpreter.address);
        roots.static_types(reader, &prefix, interpreter.address);
        roots.type_cache(reader, &prefix, interpreter.address);
        roots.empty_tuple(reader, &prefix, interpreter.address);
        roots.small_ints(reader, &prefix, interpreter.address);
        roots.identifiers(reader, &prefix, interpreter.address);
        for thread in &interpreter.threads {
            roots.thread(reader, &prefix, thread);
        }
    }
    roots.found
}

/// The frames of a suspended greenlet: nothing collects them, whoever else holds the greenlet.
pub(crate) fn of_greenlet(
    interpreter: u32,
    owner: usize,
    greenlet: &ThreadState,
) -> Vec<RootAddress> {
    let frames = greenlet.frames.iter().enumerate();
    let roots = frames.map(|(depth, frame)| RootAddress {
        owner,
        name: format!("i{interpreter}_g{}_f{depth}", greenlet.thread_id),
        target: frame.object(),
        category: RootCategory::Thread,
        // The greenlet's own reference counts.
        owned: false,
    });
    roots.collect()
}

#[derive(Default)]
struct Roots {
    found: Vec<RootAddress>,
    /// The index of the interpreter that is being looked at.
    owner: usize,
}

impl Roots {
    fn add(&mut self, name: String, target: RemoteAddress, category: RootCategory, owned: bool) {
        if !target.is_null() {
            self.found.push(RootAddress {
                name,
                target,
                category,
                owned,
                owner: self.owner,
            });
        }
    }

    /// The object pointers of a state. A field that can't be read is passed over: what it
    /// holds is found in other ways, or as held by native code.
    fn fields<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        prefix: &str,
        state: RemoteAddress,
        fields: &[(String, u64)],
        category: RootCategory,
    ) {
        for (name, offset) in fields {
            if name == NOT_HOLDING {
                continue;
            }
            if let Ok(target) = reader.cache.pointer(state.offset(*offset)) {
                self.add(format!("{prefix}{name}"), target, category, true);
            }
        }
    }

    fn thread<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        interpreter: &str,
        thread: &ThreadState,
    ) {
        let prefix = format!("{interpreter}t{}_", thread.thread_id);
        for (depth, frame) in thread.frames.iter().enumerate() {
            let name = format!("{prefix}f{depth}");
            // The thread's frame owns its object, if there is one.
            let owned = !frame.frame_obj.is_null() && !is_of_generator(reader, frame.frame_obj);
            self.add(name, frame.object(), RootCategory::Thread, owned);
        }
        let fields = &reader.layout.roots.thread;
        self.fields(
            reader,
            &prefix,
            thread.address,
            fields,
            RootCategory::Thread,
        );
        for (n, object) in queued::objects(reader, thread.address)
            .into_iter()
            .enumerate()
        {
            let name = format!("{prefix}objects_to_merge[{n}]");
            self.add(name, object, RootCategory::Thread, true);
        }
    }

    fn atexit<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        prefix: &str,
        interpreter: RemoteAddress,
    ) {
        let structs = &reader.layout.structs;
        let i = &structs.py_interpreter_state;
        // Up to 3.9 the module `atexit` keeps the callbacks, and from 3.14 they are a list of
        // Python's, which is a root like others.
        let (Some(callback), Some(array), Some(count)) = (
            &structs.atexit_callback,
            i.atexit_callbacks,
            i.atexit_ncallbacks,
        ) else {
            return;
        };
        let (Some(args), Some(kwargs)) = (callback.args, callback.kwargs) else {
            return;
        };
        let count = reader.cache.u32(interpreter.offset(count));
        let Ok(array) = reader.cache.pointer(interpreter.offset(array)) else {
            return;
        };
        let fields = [("func", callback.func), ("args", args), ("kwargs", kwargs)];
        for n in 0..count.map_or(0, u64::from).min(MAX_CALLBACKS) {
            // What was unregistered leaves a null pointer.
            let Ok(at) = reader.cache.pointer(array.offset(n * 8)) else {
                break;
            };
            for (name, offset) in fields {
                if !at.is_null()
                    && let Ok(target) = reader.cache.pointer(at.offset(offset))
                {
                    let name = format!("{prefix}atexit[{n}].{name}");
                    self.add(name, target, RootCategory::Interpreter, true);
                }
            }
        }
    }

    /// The built-in types that an interpreter keeps a state for, and what an interpreter other
    /// than the main one keeps of each type in C: a dictionary and a list of subclasses. Those
    /// of the main one are found from the types.
    fn static_types<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        prefix: &str,
        interpreter: RemoteAddress,
    ) {
        let structs = &reader.layout.structs;
        let i = &structs.py_interpreter_state;
        let Some(state) = &structs.static_type_state else {
            return;
        };
        let builtins = (true, i.types_builtins, i.types_builtins_length);
        let extensions = (false, i.types_for_extensions, i.types_for_extensions_length);
        let is_main = interpreter == reader.interpreter;
        let kept = [
            ("__dict__", state.tp_dict),
            ("tp_subclasses", state.tp_subclasses),
        ];
        for (are_builtins, array, length) in [builtins, extensions] {
            let (Some(array), Some(length)) = (array, length) else {
                continue;
            };
            if is_main && !are_builtins {
                continue;
            }
            for n in 0..length {
                let at = interpreter.offset(array + n * state.size);
                let Ok(address) = reader.cache.pointer(at.offset(state.type_)) else {
                    break;
                };
                let Some(info) = reader.type_at(address) else {
                    continue;
                };
                let name = format!("{prefix}static_types['{}']", info.tp_name);
                for (field, offset) in kept.iter().filter(|_| !is_main) {
                    if let Ok(target) = reader.cache.pointer(at.offset(*offset)) {
                        let name = format!("{name}.{field}");
                        self.add(name, target, RootCategory::Static, true);
                    }
                }
                if are_builtins {
                    self.add(name, address, RootCategory::Static, false);
                }
            }
        }
    }

    /// The empty tuple, of which there is one: in 3.10 it is the first of the freed tuples that
    /// are kept for reuse, by their length, but not freed.
    fn empty_tuple<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        prefix: &str,
        interpreter: RemoteAddress,
    ) {
        let structs = &reader.layout.structs;
        let length = structs.py_tuple_object.ob_size;
        let Some(list) = structs.py_interpreter_state.tuple_free_list else {
            return;
        };
        let Ok(target) = reader.cache.pointer(interpreter.offset(list)) else {
            return;
        };
        let is_tuple = matches!(reader.type_of(target), Some(info) if info.tp_name == "tuple");
        if is_tuple && matches!(reader.cache.u64(target.offset(length)), Ok(0)) {
            self.add(
                format!("{prefix}empty_tuple"),
                target,
                RootCategory::Static,
                true,
            );
        }
    }

    /// The integers of which there is one of each.
    fn small_ints<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        prefix: &str,
        interpreter: RemoteAddress,
    ) {
        let i = &reader.layout.structs.py_interpreter_state;
        if let (Some(array), Some(length)) = (i.small_ints, i.small_ints_length) {
            let length = length.min(MAX_SMALL_INTS);
            let array = interpreter.offset(array);
            self.array(reader, &format!("{prefix}small_ints"), array, length, "int");
        }
    }

    /// The texts of the `_Py_Identifier`s of C code that were used.
    fn identifiers<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        prefix: &str,
        interpreter: RemoteAddress,
    ) {
        let i = &reader.layout.structs.py_interpreter_state;
        let (Some(size), Some(array)) = (i.unicode_ids_size, i.unicode_ids_array) else {
            // Up to 3.9 they are static variables.
            return;
        };
        let size = reader.cache.u64(interpreter.offset(size)).unwrap_or(0);
        if let Ok(array) = reader.cache.pointer(interpreter.offset(array)) {
            let length = size.min(MAX_IDENTIFIERS);
            self.array(
                reader,
                &format!("{prefix}unicode_ids"),
                array,
                length,
                "str",
            );
        }
    }

    /// The objects of an array that are of the type that all are of.
    fn array<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        name: &str,
        array: RemoteAddress,
        length: u64,
        type_name: &str,
    ) {
        for n in 0..length {
            let Ok(target) = reader.cache.pointer(array.offset(8 * n)) else {
                break;
            };
            if matches!(reader.type_of(target), Some(info) if info.tp_name == type_name) {
                self.add(format!("{name}[{n}]"), target, RootCategory::Static, true);
            }
        }
    }

    /// The names of attributes that types were asked for last. The cache of methods owns the
    /// name of each entry, and borrows the value.
    fn type_cache<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        prefix: &str,
        interpreter: RemoteAddress,
    ) {
        let structs = &reader.layout.structs;
        let i = &structs.py_interpreter_state;
        let (Some(entry), Some(cache), Some(length)) =
            (&structs.type_cache_entry, i.type_cache, i.type_cache_length)
        else {
            // Up to 3.9 it is a static variable of C code, found like others.
            return;
        };
        let cache = interpreter.offset(cache);
        let mut names = Vec::new();
        for n in 0..length.min(MAX_CACHED) {
            let at = cache.offset(n * entry.size + entry.name);
            let Ok(name) = reader.cache.pointer(at) else {
                return;
            };
            let known = reader.type_of(name).map(|info| info.tp_name.clone());
            match known.as_deref() {
                Some("str" | "NoneType") => names.push((n, name)),
                _ if name.is_null() => {}
                // Where a build has its cache elsewhere than the table says, these are other
                // fields.
                _ => return,
            }
        }
        for (n, name) in names {
            let root = format!("{prefix}type_cache[{n}]");
            self.add(root, name, RootCategory::Static, true);
        }
    }
}

/// Whether a `frame` is kept by a generator, also while it runs: up to 3.10, where the C code
/// that runs another frame owns it.
fn is_of_generator<M: Memory>(reader: &mut Reader<'_, M>, frame: RemoteAddress) -> bool {
    let f_gen = reader.layout.structs.py_frame_object.f_gen;
    f_gen.is_some_and(|at| {
        let generator = reader.cache.pointer(frame.offset(at));
        generator.is_ok_and(|generator| !generator.is_null())
    })
}
