//! `set` and `frozenset`.

use crate::diagnostics::Trouble;
use crate::reader::{Reader, pointer_in, u64_in};
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The largest table that is believed.
const MAX_SLOTS: u64 = 1 << 36;
/// The type of the object that takes the place of a removed member.
const DUMMY_TYPE: &str = "<dummy key> type";
/// The hash of an entry whose member was removed; no object has it.
const DUMMY_HASH: u64 = u64::MAX;

/// Slots of the set's table, when it lies outside the object; else 0.
pub(crate) fn external_slots<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<u64, Fault> {
    let s = &reader.layout.structs.py_set_object;
    let (mask, table, smalltable) = (s.mask, s.table, s.smalltable);
    let table = reader.cache.pointer(object.offset(table))?;
    let mask = reader.cache.u64(object.offset(mask))?;
    if table == object.offset(smalltable) {
        return Ok(0);
    }
    Ok(mask.saturating_add(1).min(MAX_SLOTS))
}

/// Whether a key is what takes the place of a removed member. It says so by its hash as well, but
/// that is written after it: between the two, the member is gone already.
fn is_dummy<M: Memory>(reader: &mut Reader<'_, M>, key: RemoteAddress) -> bool {
    // It is static, as few members are, so that hardly any has to be looked at.
    reader.is_in_image(key)
        && reader
            .type_of(key)
            .is_some_and(|of| of.tp_name == DUMMY_TYPE)
}

pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let s = &reader.layout.structs.py_set_object;
    let e = &reader.layout.structs.set_entry;
    let (mask, table, used, entry_size) = (s.mask, s.table, s.used, e.size);
    let table = reader.cache.pointer(object.offset(table))?;
    let mask = reader.cache.u64(object.offset(mask))?;
    if mask >= MAX_SLOTS {
        reader.diagnostics.count(Trouble::ImplausibleLength, object);
        return Ok(());
    }
    reader.spend(table, (mask + 1) * entry_size / 8)?;
    let mut bytes = [0; 16 * 32];
    let at_once = bytes.len() as u64 / entry_size;
    let (mut done, mut member) = (0, 0);
    while done <= mask {
        let now = (mask + 1 - done).min(at_once);
        let bytes = &mut bytes[..(now * entry_size) as usize];
        reader
            .cache
            .read_exact(table.offset(done * entry_size), bytes)?;
        for entry in bytes.chunks_exact(entry_size as usize) {
            let key = pointer_in(entry, e.key);
            if !key.is_null() && u64_in(entry, e.hash) != DUMMY_HASH && !is_dummy(reader, key) {
                sink.own(key, Step::Member(member));
                member += 1;
            }
        }
        done += now;
    }
    if reader.cache.u64(object.offset(used))? != member as u64 {
        reader.diagnostics.count(Trouble::Torn, object);
    }
    Ok(())
}
