//! `numpy.dtypes.StringDType` (2.x): texts of up to 15 bytes lie in the items of an array,
//! longer ones in a block that the array's dtype holds, and those that replaced a shorter
//! one in blocks of their own.
//!
//! Facts: `PyArray_StringDTypeObject` of `numpy/ndarraytypes.h`, `static_string.c`.

use super::numpy_array::View;
use super::numpy_dtype::Dtype;
use super::{CType, Decode, Taken};
use crate::extent::{Parts, c_block};
use crate::reader::Reader;
use crate::types::TypeInfo;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Bytes behind the head, and the fields there.
const SIZE: u64 = 128;
const METADATA: u64 = 40;
const NA_OBJECT: u64 = 72;
const ALLOCATOR: u64 = 120;
/// In the allocator, behind three functions: how much of the block is used, its size, and
/// the block.
const ARENA_CURSOR: u64 = 24;
const ARENA_SIZE: u64 = 32;
const ARENA_BUFFER: u64 = 40;
/// `sizeof(npy_string_allocator)`.
const ALLOCATOR_SIZE: u64 = 56;

/// An item: an address or an offset, then a size, whose highest byte has flags.
const ITEM: u64 = 16;
/// `NPY_STRING_OUTSIDE_ARENA` and `NPY_STRING_LONG`: a text in a block of its own.
const OUTSIDE: u64 = 0x20 | 0x10;
/// Items that are read at once.
const ITEMS: u64 = 64;

#[derive(Debug, Clone, Copy)]
pub(crate) struct StringDtype {
    head: u64,
}

impl Decode for StringDtype {
    fn is_for(tp_name: &str) -> bool {
        tp_name == "numpy.dtypes.StringDType"
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        if tp.basicsize != tp.head + SIZE {
            return Ok(None);
        }
        let fields = vec![
            tp.attribute(0, "type"),
            tp.attribute(METADATA, "metadata"),
            tp.attribute(NA_OBJECT, "na_object"),
        ];
        Ok(Taken::all(Self { head: tp.head }, fields))
    }

    fn measure<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        _: &TypeInfo,
        parts: &mut Parts,
    ) -> Result<(), Fault> {
        let allocator = reader.cache.pointer(object.offset(self.head + ALLOCATOR))?;
        if allocator.is_null() {
            return Ok(());
        }
        let used = reader.cache.u64(allocator.offset(ARENA_CURSOR))?;
        let size = reader.cache.u64(allocator.offset(ARENA_SIZE))?;
        let buffer = reader.cache.pointer(allocator.offset(ARENA_BUFFER))?;
        let mut held = c_block(ALLOCATOR_SIZE);
        if !buffer.is_null() && used <= size && size <= reader.memory_bytes {
            held = held.saturating_add(c_block(size));
        }
        parts.uncounted = parts.uncounted.saturating_add(held);
        Ok(())
    }
}

impl StringDtype {
    /// What it has in common with other dtypes.
    pub(super) fn dtype(self) -> Dtype {
        Dtype::string(self.head)
    }
}

/// Bytes of the texts of an array that have blocks of their own.
pub(super) fn outside_arena<M: Memory>(
    reader: &mut Reader<'_, M>,
    view: &View,
) -> Result<u64, Fault> {
    if view.bytes != view.count.saturating_mul(ITEM) {
        return Ok(0);
    }
    reader.spend(view.data, view.count.saturating_mul(2))?;
    let mut total: u64 = 0;
    let mut done = 0;
    while done < view.count {
        let now = (view.count - done).min(ITEMS);
        let at = view.data.offset(done * ITEM);
        let items = reader.cache.bytes(at, (now * ITEM) as usize)?;
        for item in items.chunks_exact(ITEM as usize) {
            let word = crate::reader::u64_in(item, 8);
            let (flags, size) = (word >> 56, word & !(0xff << 56));
            if flags & OUTSIDE == OUTSIDE && size <= reader.memory_bytes {
                total = total.saturating_add(c_block(size));
            }
        }
        done += now;
    }
    Ok(total)
}
