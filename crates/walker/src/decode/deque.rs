//! `collections.deque`: a list of blocks.

use super::sequence::length;
use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Blocks that the items of a deque take, as `deque.__sizeof__` counts them.
pub(crate) fn blocks<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<u64, Fault> {
    let d = &reader.layout.structs.deque_object;
    let per_block = reader.layout.structs.deque_block.data_length;
    let (ob_size, leftindex) = (d.ob_size, d.leftindex);
    let length = length(reader, object, object.offset(ob_size))? as u64;
    let leftindex = reader.cache.u64(object.offset(leftindex))?;
    Ok((leftindex.min(per_block) + length).div_ceil(per_block))
}

pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let d = &reader.layout.structs.deque_object;
    let b = &reader.layout.structs.deque_block;
    let (ob_size, leftblock, leftindex) = (d.ob_size, d.leftblock, d.leftindex);
    let length = length(reader, object, object.offset(ob_size))?;
    let mut block = reader.cache.pointer(object.offset(leftblock))?;
    let mut index = reader.cache.u64(object.offset(leftindex))?;
    let mut done = 0;
    while done < length {
        if index >= b.data_length || block.is_null() {
            reader.diagnostics.count(Trouble::ImplausibleLength, object);
            break;
        }
        let now = (length - done).min((b.data_length - index) as usize);
        let first = block.offset(b.data + index * 8);
        reader.pointers(first, now, |_, i, item| {
            sink.own(item, Step::Index(done + i));
        })?;
        done += now;
        index = 0;
        block = reader.cache.pointer(block.offset(b.rightlink))?;
    }
    Ok(())
}
