//! Modules: the state of a module in C lies in a block of its own.

use super::library::decimal::signals;
use super::library::zoneinfo::strong_cache;
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use crate::types::Field;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The largest state that is scanned where no table describes it.
const MAX_STATE: u64 = 1 << 16;

pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = &reader.layout.structs;
    let m = &structs.py_module_object;
    let d = &structs.py_module_def;
    let def = reader.cache.pointer(object.offset(m.md_def))?;
    let state = reader.cache.pointer(object.offset(m.md_state))?;
    if def.is_null() {
        return Ok(());
    }
    definition(reader, def, sink)?;
    if state.is_null() {
        return Ok(());
    }
    let name = reader.cache.pointer(def.offset(d.m_name))?;
    let size = reader.cache.i64(def.offset(d.m_size))?;
    let size = u64::try_from(size).unwrap_or(0);
    let name = reader.cache.c_string(name, 256)?;
    if let Some(fields) = reader.module_state(&name, size) {
        known(reader, state, &fields, sink)?;
        return match name.as_str() {
            "_zoneinfo" => strong_cache(reader, state, sink),
            "decimal" => signals(reader, state, sink),
            _ => Ok(()),
        };
    }
    // A module of an extension that is in no table.
    let words = (size.min(MAX_STATE) / 8) as usize;
    reader.pointers(state, words, |reader, word, target| {
        sink.refer_by_word(reader, target, Step::Word(word), Hold::Owned);
    })
}

/// The definition of a module that is initialized in one phase keeps a copy of its
/// dictionary, for the next interpreter that imports it. Other definitions hold nothing.
fn definition<M: Memory>(
    reader: &mut Reader<'_, M>,
    def: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let m_copy = reader.layout.structs.py_module_def.m_base_m_copy;
    if !reader.cache.pointer(def.offset(m_copy))?.is_null()
        && matches!(reader.type_of(def), Some(info) if info.tp_name == "moduledef")
    {
        let md_def = Step::Interior(reader.names.md_def);
        sink.refer(def, md_def, Hold::Static);
    }
    Ok(())
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
