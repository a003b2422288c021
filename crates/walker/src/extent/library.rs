//! Sizes of types of the standard library's modules in C that have a `__sizeof__` of their
//! own.

use super::{Parts, dict};
use crate::reader::Reader;
use crate::types::{Family, TypeInfo};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The most codes of a `struct.Struct` that are believed.
const MAX_CODES: u64 = 1 << 24;

/// The longest C string that is measured.
const MAX_C_STRING: u64 = 1 << 20;
/// `MPD_DATAFLAGS` of libmpdec: the digits of the number are not on the heap.
const DECIMAL_STATIC: u8 = 0x20 | 0x40 | 0x80;

/// Where a type of ctypes keeps what its own blocks are: offsets into its `StgInfo` or
/// `StgDict`.
pub(super) struct CtypesFields {
    pub(super) format: u64,
    pub(super) ndim: u64,
    pub(super) length: u64,
    pub(super) ffi_elements: u64,
}

/// Bytes of the blocks that a type of ctypes keeps: the format, the shape, and the fields
/// as libffi wants them, as many as the type has, and an end.
pub(super) fn ctypes_blocks<M: Memory>(
    reader: &mut Reader<'_, M>,
    info: RemoteAddress,
    fields: &CtypesFields,
) -> Result<u64, Fault> {
    let format = reader.cache.pointer(info.offset(fields.format))?;
    let ndim = u64::from(reader.cache.u32(info.offset(fields.ndim))?);
    let elements = reader.cache.pointer(info.offset(fields.ffi_elements))?;
    let mut pointers = ndim;
    if !elements.is_null() {
        let length = reader.cache.u64(info.offset(fields.length))?;
        pointers = pointers.saturating_add(length.saturating_add(1));
    }
    Ok(c_string_bytes(reader, format)?.saturating_add(pointers.saturating_mul(8)))
}

/// Bytes of a C string and its end; 0 for a null pointer.
pub(super) fn c_string_bytes<M: Memory>(
    reader: &mut Reader<'_, M>,
    text: RemoteAddress,
) -> Result<u64, Fault> {
    if text.is_null() {
        return Ok(0);
    }
    let mut length: u64 = 0;
    loop {
        // Many objects can claim the same text.
        if length.is_multiple_of(8) {
            reader.spend(text, 1)?;
        }
        if length == MAX_C_STRING || reader.cache.u8(text.offset(length))? == 0 {
            return Ok(length + 1);
        }
        length += 1;
    }
}

pub(super) fn stg_dict<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    basic: u64,
) -> Result<Parts, Fault> {
    let mut parts = dict(reader, object, basic)?;
    let structs = &reader.layout.structs;
    if let Some(s) = &structs.stg_dict_object {
        // `__sizeof__` adds what the struct has more than a dictionary to a size that
        // counts it already.
        let more = s.size - structs.py_dict_object.size;
        parts.own = parts.own.saturating_add(more);
        let fields = CtypesFields {
            format: s.format,
            ndim: s.ndim,
            length: s.length,
            ffi_elements: s.ffi_elements,
        };
        let blocks = ctypes_blocks(reader, object, &fields)?;
        parts.counted = parts.counted.saturating_add(blocks);
    }
    Ok(parts)
}

/// Numbers that an iterator of `itertools` keeps in blocks of its own.
pub(super) fn indices<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    family: Family,
) -> Result<u64, Fault> {
    let structs = &reader.layout.structs;
    let ob_size = structs.py_tuple_object.ob_size;
    let mut length_at = |at: u64| {
        let tuple = reader.cache.pointer(object.offset(at))?;
        reader.cache.u64(tuple.offset(ob_size))
    };
    let count = match family {
        Family::Product => match &structs.product_object {
            Some(product) => length_at(product.pools)?,
            None => 0,
        },
        Family::Permutations => match &structs.permutations_object {
            Some(p) => {
                let pool = length_at(p.pool)?;
                pool.saturating_add(reader.cache.u64(object.offset(p.r))?)
            }
            None => 0,
        },
        _ => match (&structs.combinations_object, &structs.cwr_object) {
            (Some(c), _) if family == Family::Combinations => {
                reader.cache.u64(object.offset(c.r))?
            }
            (_, Some(c)) => reader.cache.u64(object.offset(c.r))?,
            _ => 0,
        },
    };
    Ok(count.min(MAX_CODES))
}

pub(super) fn array<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    basic: u64,
) -> Result<Parts, Fault> {
    let a = &reader.layout.structs.array_object;
    let itemsize = reader.layout.structs.array_descr.itemsize;
    let allocated = reader.cache.u64(object.offset(a.allocated))?;
    let descr = reader.cache.pointer(object.offset(a.ob_descr))?;
    let itemsize = u64::from(reader.cache.u32(descr.offset(itemsize))?);
    Ok(Parts::own(basic).and(allocated.saturating_mul(itemsize)))
}

pub(super) fn element<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    basic: u64,
) -> Result<Parts, Fault> {
    let structs = &reader.layout.structs;
    let (Some(element), Some(extra)) = (&structs.element_object, &structs.element_object_extra)
    else {
        return Ok(Parts::own(basic));
    };
    let at = reader.cache.pointer(object.offset(element.extra))?;
    if at.is_null() {
        return Ok(Parts::own(basic));
    }
    let mut parts = Parts::own(basic).and(extra.size);
    let children = reader.cache.pointer(at.offset(extra.children))?;
    if children != at.offset(extra._children) {
        let allocated = reader.cache.u64(at.offset(extra.allocated))?;
        parts.counted = parts.counted.saturating_add(allocated.saturating_mul(8));
    }
    Ok(parts)
}

/// A `BytesIO` counts its buffer as its own unless somebody else has it too.
pub(super) fn bytes_io<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    basic: u64,
) -> Result<Parts, Fault> {
    let structs = &reader.layout.structs;
    let Some(bytes_io) = &structs.bytes_io else {
        return Ok(Parts::own(basic));
    };
    let buffer = reader.cache.pointer(object.offset(bytes_io.buf))?;
    let counts = reader.layout.shapes.immortal;
    if buffer.is_null() || counts.refcount(reader.refcount_word(buffer)?) > 1 {
        return Ok(Parts::own(basic));
    }
    Ok(Parts::own(basic).and_other(bytes_size(reader, buffer)?))
}

/// `sys.getsizeof` of a `bytes` object.
pub(super) fn bytes_size<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<u64, Fault> {
    let b = &reader.layout.structs.py_bytes_object;
    let (ob_size, ob_sval) = (b.ob_size, b.ob_sval);
    let length = reader.cache.u64(object.offset(ob_size))?;
    Ok(length.saturating_add(ob_sval + 1))
}

pub(super) fn decimal<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    basic: u64,
) -> Result<Parts, Fault> {
    let Some(decimal) = &reader.layout.structs.py_dec_object else {
        return Ok(Parts::own(basic));
    };
    let flags = reader.cache.u8(object.offset(decimal.dec_flags))?;
    if flags & DECIMAL_STATIC != 0 {
        return Ok(Parts::own(basic));
    }
    let words = reader.cache.u64(object.offset(decimal.dec_alloc))?;
    Ok(Parts::own(basic).and(words.saturating_mul(8)))
}

/// Codes of a compiled format, up to the one without a size that ends it.
pub(super) fn code_count<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    codes: u64,
    step: u64,
) -> Result<u64, Fault> {
    let codes = reader.cache.pointer(object.offset(codes))?;
    let mut count = 0;
    while !codes.is_null() && count < MAX_CODES {
        // Many objects can claim the same format.
        reader.spend(codes, step.div_ceil(8))?;
        if reader.cache.pointer(codes.offset(count * step))?.is_null() {
            break;
        }
        count += 1;
    }
    Ok(count)
}

pub(super) fn pickler<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<Parts, Fault> {
    let structs = reader.layout.structs_of(info.variant);
    let basic = info.basicsize;
    let (Some(pickler), Some(table), Some(entry)) = (
        &structs.pickler_object,
        &structs.py_memo_table,
        &structs.py_memo_entry,
    ) else {
        return Ok(Parts::own(basic));
    };
    let memo = reader.cache.pointer(object.offset(pickler.memo))?;
    if memo.is_null() {
        return Ok(Parts::own(basic));
    }
    let slots = reader.cache.u64(memo.offset(table.mt_allocated))?;
    let entries = slots.saturating_mul(entry.size);
    let buffer = reader.cache.pointer(object.offset(pickler.output_buffer))?;
    let parts = Parts::own(basic).and(entries.saturating_add(table.size));
    if buffer.is_null() {
        return Ok(parts);
    }
    Ok(parts.and_other(bytes_size(reader, buffer)?))
}

/// The ring of a queue, which `__sizeof__` does not count in every version.
pub(super) fn simple_queue<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    basic: u64,
) -> Result<Parts, Fault> {
    let queue = reader.layout.structs.simple_queue_object.as_ref();
    let Some(items_cap) = queue.and_then(|queue| queue.items_cap) else {
        return Ok(Parts::own(basic));
    };
    let slots = reader.cache.u64(object.offset(items_cap))?;
    let ring = slots.saturating_mul(8);
    if reader.layout.counts_ring_of_simple_queue() {
        return Ok(Parts::own(basic).and(ring));
    }
    Ok(Parts::own(basic).and_uncounted(ring))
}

pub(super) fn unpickler<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<Parts, Fault> {
    let structs = reader.layout.structs_of(info.variant);
    let basic = info.basicsize;
    let Some(unpickler) = &structs.unpickler_object else {
        return Ok(Parts::own(basic));
    };
    let slots = reader.cache.u64(object.offset(unpickler.memo_size))?;
    let mut counted = slots.saturating_mul(8);
    if !reader
        .cache
        .pointer(object.offset(unpickler.marks))?
        .is_null()
    {
        let marks = reader.cache.u64(object.offset(unpickler.marks_size))?;
        counted = counted.saturating_add(marks.saturating_mul(8));
    }
    for text in [unpickler.input_line, unpickler.encoding, unpickler.errors] {
        let text = reader.cache.pointer(object.offset(text))?;
        counted = counted.saturating_add(c_string_bytes(reader, text)?);
    }
    Ok(Parts::own(basic).and(counted))
}
