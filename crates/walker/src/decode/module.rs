//! Modules: the state of a module in C lies in a block of its own.

use super::library::atexit;
use super::library::decimal::signals;
use super::library::zoneinfo::strong_cache;
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use crate::text;
use crate::types::Field;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The longest name of a module that is read.
const NAME_LIMIT: usize = 256;
/// The largest state that is scanned where no table describes it.
const MAX_STATE: u64 = 1 << 16;

pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let def = definition_of(reader, object)?;
    definition(reader, def, sink)?;
    let md_state = reader.layout.structs.py_module_object.md_state;
    let state = reader.cache.pointer(object.offset(md_state))?;
    if state.is_null() {
        return Ok(());
    }
    let Some((name, size)) = state_of(reader, object, def)? else {
        return Ok(());
    };
    if let Some(fields) = reader.module_state(&name, size) {
        known(reader, state, &fields, sink)?;
        return match name.as_str() {
            "_zoneinfo" => strong_cache(reader, state, sink),
            "decimal" => signals(reader, state, sink),
            _ => Ok(()),
        };
    }
    if name == "atexit" && atexit::callbacks(reader, state, sink)? {
        return Ok(());
    }
    if !traverse_of(reader, def)?.is_null() && reader.native.covers(object) {
        return Ok(());
    }
    // A module of an extension that is in no table.
    scan(reader, state, size, sink)
}

/// Hands over what the words of a state lead to that is in no table.
pub(super) fn unknown_state<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    if unknown_traverse(reader, object)?.is_null() {
        return Ok(());
    }
    let def = definition_of(reader, object)?;
    let md_state = reader.layout.structs.py_module_object.md_state;
    let state = reader.cache.pointer(object.offset(md_state))?;
    match state_of(reader, object, def)? {
        Some((_, size)) => scan(reader, state, size, sink),
        None => Ok(()),
    }
}

fn scan<M: Memory>(
    reader: &mut Reader<'_, M>,
    state: RemoteAddress,
    size: u64,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let words = (size.min(MAX_STATE) / 8) as usize;
    reader.pointers(state, words, |reader, word, target| {
        sink.refer_by_word(reader, target, Step::Word(word), Hold::Owned);
    })
}

/// Whether the state of a module is in no table, and its own code tells what it holds.
pub(crate) fn has_unknown_traverse<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> bool {
    unknown_traverse(reader, object).is_ok_and(|traverse| !traverse.is_null())
}

/// The `m_traverse` of a module whose state is in no table; null for others.
fn unknown_traverse<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<RemoteAddress, Fault> {
    let def = definition_of(reader, object)?;
    let traverse = traverse_of(reader, def)?;
    if traverse.is_null() {
        return Ok(traverse);
    }
    let md_state = reader.layout.structs.py_module_object.md_state;
    let state = reader.cache.pointer(object.offset(md_state))?;
    let is_known = match state_of(reader, object, def)? {
        Some((name, size)) => reader.module_state(&name, size).is_some(),
        None => true,
    };
    Ok(match state.is_null() || is_known {
        true => RemoteAddress::NULL,
        false => traverse,
    })
}

/// The `m_traverse` of a definition, or null.
fn traverse_of<M: Memory>(
    reader: &mut Reader<'_, M>,
    def: RemoteAddress,
) -> Result<RemoteAddress, Fault> {
    let m_traverse = reader.layout.structs.py_module_def.m_traverse;
    match def.is_null() {
        true => Ok(def),
        false => reader.cache.pointer(def.offset(m_traverse)),
    }
}

/// The definition of a module that is initialized in one phase keeps a copy of its
/// dictionary, for the next interpreter that imports it. Other definitions hold nothing.
fn definition<M: Memory>(
    reader: &mut Reader<'_, M>,
    def: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let m_copy = reader.layout.structs.py_module_def.m_base_m_copy;
    if !def.is_null()
        && !reader.cache.pointer(def.offset(m_copy))?.is_null()
        && matches!(reader.type_of(def), Some(info) if info.tp_name == "moduledef")
    {
        let md_def = Step::Interior(reader.names.md_def);
        sink.refer(def, md_def, Hold::Static);
    }
    Ok(())
}

/// The `PyModuleDef` of a module, or null: a module that was made from slots has none.
fn definition_of<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<RemoteAddress, Fault> {
    let m = &reader.layout.structs.py_module_object;
    match (m.md_def, m.md_token, m.md_token_is_def) {
        (Some(md_def), ..) => reader.cache.pointer(object.offset(md_def)),
        (None, Some(token), Some(is_def)) if reader.cache.u8(object.offset(is_def))? != 0 => {
            reader.cache.pointer(object.offset(token))
        }
        _ => Ok(RemoteAddress::NULL),
    }
}

/// The name under which a module's state is known, and its size in bytes.
fn state_of<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    def: RemoteAddress,
) -> Result<Option<(String, u64)>, Fault> {
    let structs = &reader.layout.structs;
    let (m, d) = (&structs.py_module_object, &structs.py_module_def);
    if !def.is_null() {
        let name = reader.cache.pointer(def.offset(d.m_name))?;
        let name = reader.cache.c_string(name, NAME_LIMIT)?;
        let size = reader.cache.i64(def.offset(d.m_size))?;
        return Ok(Some((name, u64::try_from(size).unwrap_or(0))));
    }
    // A module that was made from slots has no definition, but says the size itself.
    let (md_name, Some(md_state_size)) = (m.md_name, m.md_state_size) else {
        return Ok(None);
    };
    let size = reader.cache.i64(object.offset(md_state_size))?;
    let name = reader.cache.pointer(object.offset(md_name))?;
    let name = text::read(reader, name, NAME_LIMIT)?.unwrap_or_default();
    Ok(Some((name, u64::try_from(size).unwrap_or(0))))
}

fn known<M: Memory>(
    reader: &mut Reader<'_, M>,
    state: RemoteAddress,
    fields: &[Field],
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    for field in fields {
        let target = reader.cache.pointer(state.offset(field.offset))?;
        sink.refer(target, field.step, field.hold);
    }
    Ok(())
}
