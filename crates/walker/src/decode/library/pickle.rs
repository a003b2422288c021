//! `_pickle`: memos are tables of their own.

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use crate::types::TypeInfo;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The largest memo that is believed.
const MAX_MEMO: u64 = 1 << 32;

/// The objects that a `Pickler` has written: keys of a hash table.
pub(in crate::decode) fn pickler<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = reader.layout.structs_of(info.variant);
    let (Some(pickler), Some(table), Some(entry)) = (
        &structs.pickler_object,
        &structs.py_memo_table,
        &structs.py_memo_entry,
    ) else {
        return Ok(());
    };
    let memo = reader.cache.pointer(object.offset(pickler.memo))?;
    if memo.is_null() {
        return Ok(());
    }
    let slots = reader.cache.u64(memo.offset(table.mt_allocated))?;
    let first = reader.cache.pointer(memo.offset(table.mt_table))?;
    let slots = slots.min(MAX_MEMO);
    reader.spend(first, slots * entry.size / 8)?;
    for slot in 0..slots {
        let at = first.offset(slot * entry.size + entry.me_key);
        let key = reader.cache.pointer(at)?;
        sink.own(key, Step::Interior(reader.names.memo));
    }
    Ok(())
}

/// The objects that an `Unpickler` has read, by number.
pub(in crate::decode) fn unpickler<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = reader.layout.structs_of(info.variant);
    let Some(unpickler) = &structs.unpickler_object else {
        return Ok(());
    };
    let memo = reader.cache.pointer(object.offset(unpickler.memo))?;
    if memo.is_null() {
        return Ok(());
    }
    let slots = reader.cache.u64(object.offset(unpickler.memo_size))?;
    let slots = slots.min(MAX_MEMO) as usize;
    reader.pointers(memo, slots, |reader, _, item| {
        sink.own(item, Step::Interior(reader.names.memo));
    })
}
