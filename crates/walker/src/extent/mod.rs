//! The two sizes of an object: what `sys.getsizeof` says, and what the allocator holds.

mod blocks;
mod library;

use crate::decode::dict::{Keys, Table, values_bytes};
use crate::decode::instance::{Managed, shared_size};
use crate::decode::type_object::stg_info_at;
use crate::decode::{deque, set};
use crate::number;
use crate::reader::Reader;
use crate::slots;
use crate::text::Text;
use crate::types::{DictPlacement, Family, TypeInfo};
use blocks::block;
pub(crate) use blocks::c_block;
use exuvia_cpython::{Flavor, type_flags};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The sizes of an object, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// As `sys.getsizeof` counts.
    pub(crate) size: u64,
    /// As the allocator counts; 0 for what lies in the image of a program.
    pub(crate) allocated: u64,
}

/// What one object takes, in parts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parts {
    /// The object itself, without what lies before it.
    pub(crate) own: u64,
    /// Blocks of its own elsewhere that `__sizeof__` counts.
    pub(crate) counted: u64,
    /// Blocks of its own elsewhere that `__sizeof__` does not count, as the allocator holds
    /// them.
    pub(crate) uncounted: u64,
    /// What `__sizeof__` counts although it is an object of its own, and so another row, or
    /// is not there.
    pub(crate) others: u64,
}

impl Parts {
    const fn own(own: u64) -> Self {
        Self {
            own,
            counted: 0,
            uncounted: 0,
            others: 0,
        }
    }

    const fn and(self, counted: u64) -> Self {
        Self { counted, ..self }
    }

    const fn and_uncounted(self, uncounted: u64) -> Self {
        Self { uncounted, ..self }
    }

    const fn and_other(self, others: u64) -> Self {
        Self { others, ..self }
    }
}

/// The sizes of the object at an address.
pub(crate) fn of<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    is_static: bool,
) -> Result<Extent, Fault> {
    let mut parts = parts(reader, object, info)?;
    if let Some(extension) = info.extension {
        extension.measure(reader, object, info, &mut parts)?;
    }
    let shape = reader.layout.shapes.instance_dict;
    // A static type has no header.
    let is_exact = info.tp_name == "type" && !info.is_heap_type();
    let headless = info.family == Family::Type
        && is_static
        && !reader.layout.counts_header_of_static_types(is_exact);
    let is_gc = info.has_gc() && !headless;
    let before = shape.pre_header(info.flags, is_gc);
    let size = before
        .saturating_add(parts.own)
        .saturating_add(parts.counted)
        .saturating_add(parts.others);
    let flavor = reader.layout.flavor;
    let mut allocated = block(flavor, parts.counted).saturating_add(parts.uncounted);
    if !is_static {
        let inline = inline_values(reader, object, info)?;
        allocated = match inline {
            Inline::Inside(bytes) => {
                let own = before.saturating_add(parts.own).saturating_add(bytes);
                allocated.saturating_add(block(flavor, own))
            }
            Inline::Outside(bytes) => allocated
                .saturating_add(block(flavor, before.saturating_add(parts.own)))
                .saturating_add(block(flavor, bytes)),
        };
    }
    Ok(Extent { size, allocated })
}

/// Bytes of attribute values that belong to an instance.
enum Inline {
    /// In the instance's own block.
    Inside(u64),
    /// In a block of their own.
    Outside(u64),
}

fn inline_values<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<Inline, Fault> {
    if info.dict != DictPlacement::Managed {
        return Ok(Inline::Inside(0));
    }
    if reader.layout.shapes.instance_dict.are_values_inside() {
        if info.flags & type_flags::INLINE_VALUES == 0 {
            return Ok(Inline::Inside(0));
        }
        // The room stays when the values have moved into a dictionary.
        let count = shared_size(reader, info)?;
        return Ok(Inline::Inside(values_bytes(reader, count)));
    }
    if Managed::read(reader, object, info)?.values.is_null() {
        return Ok(Inline::Outside(0));
    }
    let count = shared_size(reader, info)?;
    Ok(Inline::Outside(values_bytes(reader, count)))
}

fn parts<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<Parts, Fault> {
    let structs = &reader.layout.structs;
    let basic = info.basicsize;
    Ok(match info.family {
        Family::Int => {
            let ob_digit = structs.py_long_object.ob_digit;
            let least = u64::from(reader.layout.counts_digit_of_zero());
            let digits = number::digit_count(reader, object)?.max(least);
            Parts::own(ob_digit.saturating_add(digits.saturating_mul(info.itemsize)))
        }
        Family::Str => text(reader, object)?,
        Family::List => {
            let l = &structs.py_list_object;
            // -1 while the list is being sorted.
            let allocated = reader.cache.i64(object.offset(l.allocated))?.max(0);
            let items = (allocated as u64).saturating_mul(8);
            let mut parts = Parts::own(basic).and(items);
            if reader.layout.flavor == Flavor::FreeThreaded && items > 0 {
                // How many there are stands before the items too (`_PyListArray`).
                let with_head = block(Flavor::FreeThreaded, items.saturating_add(8));
                parts.uncounted = with_head.saturating_sub(block(Flavor::FreeThreaded, items));
            }
            parts
        }
        Family::Dict => dict(reader, object, basic)?,
        Family::OrderedDict => ordered_dict(reader, object, basic)?,
        Family::Set => Parts::own(basic).and(16 * set::external_slots(reader, object)?),
        Family::Deque => {
            let blocks = deque::blocks(reader, object)?;
            Parts::own(basic).and(blocks * structs.deque_block.size)
        }
        Family::ByteArray => byte_array(reader, object, basic)?,
        Family::StgDict => library::stg_dict(reader, object, basic)?,
        Family::Product
        | Family::Combinations
        | Family::CombinationsWithReplacement
        | Family::Permutations => {
            Parts::own(basic).and(8 * library::indices(reader, object, info.family)?)
        }
        Family::Type => type_object(reader, object, info)?,
        Family::Code => code(reader, object, info)?,
        Family::Frame => frame(reader, object, info)?,
        Family::Generator => generator(reader, object, info)?,
        Family::Array => library::array(reader, object, basic)?,
        Family::Element => library::element(reader, object, basic)?,
        Family::BytesIo => library::bytes_io(reader, object, basic)?,
        Family::Buffered => match &structs.buffered {
            Some(b) if !reader.cache.pointer(object.offset(b.buffer))?.is_null() => {
                Parts::own(basic).and(reader.cache.u64(object.offset(b.buffer_size))?)
            }
            _ => Parts::own(basic),
        },
        Family::Decimal => library::decimal(reader, object, basic)?,
        Family::Struct => match (&structs.py_struct_object, &structs.format_code) {
            (Some(s), Some(code)) => {
                let codes = library::code_count(reader, object, s.s_codes, code.size)?;
                Parts::own(basic).and((codes + 1) * code.size)
            }
            _ => Parts::own(basic),
        },
        Family::SimpleQueue => library::simple_queue(reader, object, basic)?,
        Family::Pickler => library::pickler(reader, object, info)?,
        Family::Unpickler => library::unpickler(reader, object, info)?,
        Family::Plain
        | Family::Bytes
        | Family::Tuple
        | Family::HamtArray
        | Family::HamtBitmap
        | Family::HamtCollision
        | Family::StringIo
        | Family::MemoryView
        | Family::Module
        | Family::ElementIterator
        | Family::TeeData
        | Family::LruCache
        | Family::XmlParser
        | Family::SqliteConnection
        | Family::Template
        | Family::ZoneInfo => Parts::own(variable(reader, object, info)?),
    })
}

/// `object.__sizeof__`: the fixed part and the items.
fn variable<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<u64, Fault> {
    if info.itemsize == 0 {
        return Ok(info.basicsize);
    }
    let ob_size = reader.layout.structs.py_var_object.ob_size;
    let items = reader.cache.i64(object.offset(ob_size))?.unsigned_abs();
    Ok(info
        .basicsize
        .saturating_add(items.saturating_mul(info.itemsize)))
}

fn text<M: Memory>(reader: &mut Reader<'_, M>, object: RemoteAddress) -> Result<Parts, Fault> {
    let structs = &reader.layout.structs;
    let ascii = structs.py_ascii_object.size;
    let compact = structs.py_compact_unicode_object.size;
    let legacy = structs.py_unicode_object.size;
    let Some(text) = Text::head(reader, object)? else {
        return Ok(Parts::own(ascii));
    };
    let characters = (text.length + 1) * text.width;
    let mut parts = if !text.is_compact {
        Parts::own(legacy).and(characters)
    } else if text.is_ascii {
        Parts::own(ascii + characters)
    } else {
        Parts::own(compact + characters)
    };
    parts.counted += text.utf8.unwrap_or(0) + text.wstr.unwrap_or(0);
    Ok(parts)
}

fn byte_array<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    basic: u64,
) -> Result<Parts, Fault> {
    let structs = &reader.layout.structs;
    let (b, bytes) = (&structs.py_byte_array_object, &structs.py_bytes_object);
    let (contents_at, head) = (b.ob_bytes_object, bytes.ob_sval + 1);
    let allocated = reader.cache.u64(object.offset(b.ob_alloc))?;
    Ok(match contents_at {
        None => Parts::own(basic).and(allocated),
        // From 3.15 the contents are an object of type `bytes`, if there are any.
        Some(_) if allocated == 0 => Parts::own(basic),
        Some(_) => Parts::own(basic).and_other(allocated.saturating_add(head)),
    })
}

fn dict<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    basic: u64,
) -> Result<Parts, Fault> {
    let Some(table) = Table::read(reader, object)? else {
        return Ok(Parts::own(basic));
    };
    let mut parts = Parts::own(basic).and(table.split_bytes());
    if table.keys.is_unshared() {
        parts.counted += table.keys.bytes(reader);
    }
    let held = table.values_allocated(reader);
    parts.uncounted = block(reader.layout.flavor, held).saturating_sub(table.split_bytes());
    Ok(parts)
}

fn ordered_dict<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    basic: u64,
) -> Result<Parts, Fault> {
    let structs = &reader.layout.structs;
    let fast_nodes = structs.py_o_dict_object.od_fast_nodes_size;
    let ma_used = structs.py_dict_object.ma_used;
    let node = structs.o_dict_node.size;
    let mut parts = dict(reader, object, basic)?;
    let fast_nodes = reader.cache.u64(object.offset(fast_nodes))?;
    let used = reader.cache.u64(object.offset(ma_used))?;
    parts.counted = parts
        .counted
        .saturating_add(fast_nodes.saturating_mul(8))
        .saturating_add(used.saturating_mul(node));
    Ok(parts)
}

fn type_object<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    metatype: &TypeInfo,
) -> Result<Parts, Fault> {
    if let Some(info) = stg_info_at(reader, metatype)
        && let Some(s) = &reader.layout.structs.stg_info
    {
        let info = object.offset(info);
        let fields = library::CtypesFields {
            format: s.format,
            ndim: s.ndim,
            length: s.length,
            ffi_elements: s.ffi_elements,
        };
        let described = library::ctypes_blocks(reader, info, &fields)?;
        return Ok(Parts::own(metatype.basicsize).and(described));
    }
    let structs = &reader.layout.structs;
    let t = &structs.py_type_object;
    let h = &structs.py_heap_type_object;
    let (plain, heap) = (t.size, h.size);
    let flags = reader.cache.u64(object.offset(t.tp_flags))?;
    if flags & type_flags::HEAPTYPE == 0 {
        return Ok(Parts::own(plain));
    }
    let keys = reader.cache.pointer(object.offset(h.ht_cached_keys))?;
    let mut parts = Parts::own(heap);
    if !keys.is_null()
        && let Some(keys) = Keys::read(reader, keys)?
    {
        parts.counted = keys.bytes(reader);
    }
    Ok(parts)
}

fn code<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<Parts, Fault> {
    let own = variable(reader, object, info)?;
    // Numbers this large are refused later.
    let mut parts = Parts::own(own.checked_next_multiple_of(8).unwrap_or(own));
    parts.counted = code_caches(reader, object)?;
    Ok(parts)
}

/// What a code object keeps beside itself up to 3.10: which cells are arguments, and caches
/// of its instructions.
fn code_caches<M: Memory>(reader: &mut Reader<'_, M>, object: RemoteAddress) -> Result<u64, Fault> {
    let structs = &reader.layout.structs;
    let c = &structs.py_code_object;
    let (Some(code), Some(cellvars), Some(cell2arg), Some(caches), Some(count), Some(cache)) = (
        c.co_code,
        c.co_cellvars,
        c.co_cell2arg,
        c.co_opcache,
        c.co_opcache_size,
        &structs.py_opcache,
    ) else {
        return Ok(0);
    };
    let mut bytes = 0;
    if !reader.cache.pointer(object.offset(cell2arg))?.is_null() {
        let cells = reader.cache.pointer(object.offset(cellvars))?;
        let cells = reader
            .cache
            .u64(cells.offset(structs.py_tuple_object.ob_size))?;
        bytes = cells.saturating_mul(8);
    }
    if !reader.cache.pointer(object.offset(caches))?.is_null() {
        let code = reader.cache.pointer(object.offset(code))?;
        // An index for each instruction, of two bytes.
        let indices = reader
            .cache
            .u64(code.offset(structs.py_bytes_object.ob_size))?
            / 2;
        let count = u64::from(reader.cache.u8(object.offset(count))?);
        bytes = bytes
            .saturating_add(indices)
            .saturating_add(count * cache.size);
    }
    Ok(bytes)
}

/// A generator has room for the variables and the stack of its frame.
fn generator<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<Parts, Fault> {
    let structs = &reader.layout.structs;
    let Some(iframe) = structs.py_gen_object.gi_iframe else {
        // Up to 3.10 the frame is an object of its own.
        return Ok(Parts::own(info.basicsize));
    };
    let code = slots::executable(reader, object.offset(iframe))?;
    let slots = frame_slots(reader, code)?;
    Ok(Parts::own(info.basicsize + 8 * slots))
}

/// Pointers in a frame of a code object: variables and stack.
fn frame_slots<M: Memory>(reader: &mut Reader<'_, M>, code: RemoteAddress) -> Result<u64, Fault> {
    let c = &reader.layout.structs.py_code_object;
    let stack = u64::from(reader.cache.u32(code.offset(c.co_stacksize))?);
    let Some(variables) = c.co_nlocalsplus else {
        return Ok(stack);
    };
    let variables = u64::from(reader.cache.u32(code.offset(variables))?);
    Ok(variables + stack)
}

fn frame<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<Parts, Fault> {
    let structs = &reader.layout.structs;
    let object_layout = &structs.py_frame_object;
    let (Some(f), Some(f_frame), Some(data)) = (
        &structs.py_interpreter_frame,
        object_layout.f_frame,
        object_layout._f_frame_data,
    ) else {
        return frame_object(reader, object, info);
    };
    let frame = reader.cache.pointer(object.offset(f_frame))?;
    if frame.is_null() {
        return Ok(Parts::own(info.basicsize));
    }
    let code = slots::executable(reader, frame)?;
    let slots = frame_slots(reader, code)?;
    Ok(Parts::own(data + f.localsplus + 8 * slots))
}

/// Up to 3.10 a frame has its variables and its stack behind it; the first of them lies
/// within `PyFrameObject`. One that was made from memory kept for reuse may have more room
/// than it says.
fn frame_object<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<Parts, Fault> {
    let structs = &reader.layout.structs;
    let c = &structs.py_code_object;
    let Some(f_code) = structs.py_frame_object.f_code else {
        return Ok(Parts::own(info.basicsize));
    };
    let code = reader.cache.pointer(object.offset(f_code))?;
    let variables = u64::from(reader.cache.u32(code.offset(c.co_nlocals))?);
    let stack = u64::from(reader.cache.u32(code.offset(c.co_stacksize))?);
    let mut slots = variables + stack;
    for names in [c.co_cellvars, c.co_freevars].into_iter().flatten() {
        let names = reader.cache.pointer(code.offset(names))?;
        let ob_size = structs.py_tuple_object.ob_size;
        slots = slots.saturating_add(reader.cache.u64(names.offset(ob_size))?);
    }
    let more = slots.saturating_sub(1).saturating_mul(8);
    Ok(Parts::own(
        structs.py_frame_object.size.saturating_add(more),
    ))
}
