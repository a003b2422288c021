//! The dictionaries of interned strings. A string that is interned does not count the two
//! references that the dictionary has to it, as key and as value: it takes itself out when
//! nothing else holds it. From 3.14, whose collector tracks every dictionary, the walk meets
//! these among the others.

use crate::reader::Reader;
use crate::runtime::Interpreter;
use exuvia_memory::{Memory, RemoteAddress};
use std::sync::OnceLock;

/// Where the dictionaries of interned strings are, once the interpreters are known.
#[derive(Debug, Default)]
pub(crate) struct Interned(OnceLock<Vec<RemoteAddress>>);

/// What a reader knows before.
pub(crate) static UNKNOWN: Interned = Interned(OnceLock::new());

impl Interned {
    /// Looks them up in the states of the interpreters, several of which may share one.
    pub(crate) fn find<M: Memory>(&self, reader: &mut Reader<'_, M>, interpreters: &[Interpreter]) {
        let field = reader.layout.structs.py_interpreter_state.interned_strings;
        let dicts = interpreters.iter().filter_map(|interpreter| {
            let at = interpreter.address.offset(field?);
            // One that can't be read holds its strings like any other.
            reader.cache.pointer(at).ok()
        });
        let dicts = dicts.collect();
        self.0.get_or_init(|| dicts);
    }

    /// Whether a dictionary is one of them.
    pub(crate) fn contains(&self, dict: RemoteAddress) -> bool {
        self.0.get().is_some_and(|dicts| dicts.contains(&dict))
    }
}
