//! Types as objects: static ones, whose state may lie in the interpreter, and heap types.

use super::dict::Keys;
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use crate::types::TypeInfo;
use exuvia_cpython::type_flags;
use exuvia_memory::{Fault, Memory, RemoteAddress};

pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    metatype: &TypeInfo,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let t = &reader.layout.structs.py_type_object;
    let names = reader.names;
    let flags = reader.cache.u64(object.offset(t.tp_flags))?;
    let is_heap = flags & type_flags::HEAPTYPE != 0;
    let (mut tp_dict, mut tp_subclasses) = (t.tp_dict, t.tp_subclasses);
    let mut holder = object;
    if !is_heap && let Some(state) = static_state(reader, object)? {
        (holder, tp_dict, tp_subclasses) = state;
    }
    let dict = reader.cache.pointer(holder.offset(tp_dict))?;
    sink.own(dict, Step::InstanceDict);
    let fields = [
        (t.tp_bases, Step::Attribute(names.bases)),
        (t.tp_mro, Step::Attribute(names.mro)),
        (t.tp_cache, Step::Interior(names.tp_cache)),
    ];
    for (offset, step) in fields {
        let target = reader.cache.pointer(object.offset(offset))?;
        sink.own(target, step);
    }
    let base = reader.cache.pointer(object.offset(t.tp_base))?;
    // Which base a static type has is set by the linker, or by `PyType_Ready` without a
    // reference of its own; the tuple of bases owns it.
    let base_hold = if is_heap { Hold::Owned } else { Hold::Borrowed };
    sink.refer(base, Step::Attribute(names.base), base_hold);
    let subclasses = reader.cache.pointer(holder.offset(tp_subclasses))?;
    // In a static type without a state of its own this may be a small number.
    if subclasses.get() >= 4096 {
        sink.own(subclasses, Step::Interior(names.tp_subclasses));
    }
    if is_heap {
        heap_type(reader, object, sink)?;
    }
    if let Some(info) = stg_info_at(reader, metatype) {
        stg_info(reader, object.offset(info), sink)?;
    }
    Ok(())
}

fn heap_type<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let h = &reader.layout.structs.py_heap_type_object;
    let names = reader.names;
    let fields = [
        (Some(h.ht_name), names.ht_name),
        (Some(h.ht_qualname), names.ht_qualname),
        (Some(h.ht_slots), names.ht_slots),
        (h.ht_module, names.ht_module),
    ];
    for (offset, name) in fields {
        let Some(offset) = offset else { continue };
        let target = reader.cache.pointer(object.offset(offset))?;
        sink.own(target, Step::Interior(name));
    }
    if let Some(at) = h._spec_cache_getitem {
        let getitem = reader.cache.pointer(object.offset(at))?;
        sink.refer(getitem, Step::Interior(names.spec_cache), Hold::Borrowed);
    }
    let cached = reader.cache.pointer(object.offset(h.ht_cached_keys))?;
    if !cached.is_null()
        && let Some(keys) = Keys::read(reader, cached)?
    {
        keys.for_each(reader, |reader, key, _| {
            sink.own(key, Step::Interior(reader.names.ht_cached_keys));
        })?;
    }
    Ok(())
}

/// Where a type of ctypes keeps its `StgInfo`: behind the struct of its metaclass's base.
/// 3.13.
pub(crate) fn stg_info_at<M: Memory>(reader: &Reader<'_, M>, metatype: &TypeInfo) -> Option<u64> {
    let size = reader.layout.structs.stg_info.as_ref()?.size;
    // `_PyType_GetTypeData`: the base's size rounded up to the largest alignment.
    let at = reader
        .layout
        .structs
        .py_heap_type_object
        .size
        .next_multiple_of(16);
    let is_ctypes = metatype.is_ctypes && metatype.basicsize >= at + size;
    is_ctypes.then_some(at)
}

fn stg_info<M: Memory>(
    reader: &mut Reader<'_, M>,
    info: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let Some(s) = &reader.layout.structs.stg_info else {
        return Ok(());
    };
    let names = reader.names;
    let fields = [
        (s.proto, names.proto),
        (s.argtypes, names.argtypes),
        (s.converters, names.converters),
        (s.restype, names.restype),
        (s.checker, names.checker),
        (s.module, names.module),
    ];
    for (offset, name) in fields {
        let target = reader.cache.pointer(info.offset(offset))?;
        sink.own(target, Step::Interior(name));
    }
    if let Some(pointer_type) = s.pointer_type {
        let target = reader.cache.pointer(info.offset(pointer_type))?;
        sink.own(target, Step::Interior(names.pointer_type));
    }
    Ok(())
}

/// Where a static type keeps its dictionary and its subclasses, when it is not the type
/// itself: the address of its state, and two offsets into it.
fn static_state<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<Option<(RemoteAddress, u64, u64)>, Fault> {
    let structs = &reader.layout.structs;
    let Some(state) = &structs.static_type_state else {
        return Ok(None);
    };
    // The field that other types use for their subclasses holds the place in the array.
    let place = reader
        .cache
        .u64(object.offset(structs.py_type_object.tp_subclasses))?;
    let i = &structs.py_interpreter_state;
    let arrays = [
        (i.types_builtins, i.types_builtins_length),
        (i.types_for_extensions, i.types_for_extensions_length),
    ];
    let Some(place) = place.checked_sub(1) else {
        return Ok(None);
    };
    for (array, length) in arrays {
        let (Some(array), Some(length)) = (array, length) else {
            break;
        };
        if place < length {
            let at = reader.interpreter.offset(array + place * state.size);
            // The place does not say in which array, and extensions of another kind may
            // leave anything in the field: the state names its type.
            if reader.cache.pointer(at.offset(state.type_))? == object {
                return Ok(Some((at, state.tp_dict, state.tp_subclasses)));
            }
        }
    }
    Ok(None)
}
