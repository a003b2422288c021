use crate::reader::Reader;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The most getters of a type that are asked.
const MAX_GETTERS: usize = 64;
/// The longest name that is believed.
const MAX_NAME: usize = 256;

/// An entry of `tp_getset`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Getter {
    pub(super) name: String,
    /// `PyObject *get(object, closure)`.
    pub(super) get: RemoteAddress,
    pub(super) closure: RemoteAddress,
}

/// The getters of a `tp_getset`, as far as it can be read.
pub(super) fn read<M: Memory>(reader: &mut Reader<'_, M>, getset: RemoteAddress) -> Vec<Getter> {
    let mut getters = Vec::new();
    for i in 0..MAX_GETTERS as u64 {
        match reader.quietly(|reader| entry(reader, getset, i)) {
            Ok(Entry::Getter(getter)) => getters.push(getter),
            Ok(Entry::Other) => {}
            Ok(Entry::End) | Err(_) => break,
        }
    }
    getters
}

enum Entry {
    Getter(Getter),
    /// It can only be set, or its name says nothing: `__dict__`, `__weakref__`, `__class__`.
    Other,
    End,
}

fn entry<M: Memory>(
    reader: &mut Reader<'_, M>,
    getset: RemoteAddress,
    i: u64,
) -> Result<Entry, Fault> {
    let def = &reader.layout.structs.py_get_set_def;
    let at = getset.offset(i * def.size);
    let name = reader.cache.pointer(at.offset(def.name))?;
    if name.is_null() {
        return Ok(Entry::End);
    }
    let get = reader.cache.pointer(at.offset(def.get))?;
    let closure = reader.cache.pointer(at.offset(def.closure))?;
    let name = reader.cache.c_string(name, MAX_NAME)?;
    let is_special = name.starts_with("__") && name.ends_with("__");
    if get.is_null() || name.is_empty() || is_special {
        return Ok(Entry::Other);
    }
    Ok(Entry::Getter(Getter { name, get, closure }))
}
