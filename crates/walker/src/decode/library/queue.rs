//! `_queue.SimpleQueue`: a ring of items from 3.13 on, a list before.

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The largest ring that is believed.
const MAX_ITEMS: u64 = 1 << 36;

pub(in crate::decode) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let Some(queue) = &reader.layout.structs.simple_queue_object else {
        return Ok(());
    };
    let (Some(items), Some(cap), Some(first), Some(count)) =
        (queue.items, queue.items_cap, queue.get_idx, queue.num_items)
    else {
        return Ok(());
    };
    let items = reader.cache.pointer(object.offset(items))?;
    let cap = reader.cache.u64(object.offset(cap))?;
    let first = reader.cache.u64(object.offset(first))?;
    let count = reader.cache.u64(object.offset(count))?;
    if cap > MAX_ITEMS || first >= cap || count > cap {
        return Ok(());
    }
    reader.spend(items, count)?;
    for i in 0..count {
        let at = items.offset((first + i) % cap * 8);
        let item = reader.cache.pointer(at)?;
        sink.own(item, Step::Index(i as usize));
    }
    Ok(())
}
