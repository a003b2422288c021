//! The attributes of an instance: its dictionary, or the values that it keeps without one.

use super::dict::{Keys, MAX_SHARED, first_value};
use crate::reader::Reader;
use crate::sink::{Sink, Step};
use crate::types::{DictPlacement, Family, TypeInfo};
use exuvia_cpython::{InstanceDict, type_flags};
use exuvia_memory::{Fault, Memory, RemoteAddress};

pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    match info.dict {
        DictPlacement::None => Ok(()),
        DictPlacement::At(offset) => {
            let dict = reader.cache.pointer(object.offset(offset))?;
            sink.own(dict, Step::InstanceDict);
            Ok(())
        }
        DictPlacement::FromEnd(offset) => {
            let end = variable_end(reader, object, info)?;
            let dict = reader.cache.pointer(object.offset(end).before(offset))?;
            sink.own(dict, Step::InstanceDict);
            Ok(())
        }
        DictPlacement::Managed => managed(reader, object, info, sink),
    }
}

/// Where the attributes of an instance with a managed dictionary are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Managed {
    /// The dictionary, or null.
    pub(crate) dict: RemoteAddress,
    /// The `PyDictValues` that the instance owns, or null.
    pub(crate) values: RemoteAddress,
}

impl Managed {
    pub(crate) fn read<M: Memory>(
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        info: &TypeInfo,
    ) -> Result<Self, Fault> {
        let shape = reader.layout.shapes.instance_dict;
        let Some(before) = shape.dict_before() else {
            return Ok(Self::default());
        };
        let dict = reader.cache.pointer(object.before(before))?;
        Ok(match shape {
            InstanceDict::DictOffset => Self::default(),
            InstanceDict::DictPointerAndValuesBefore => {
                let before = shape.values_before().unwrap_or_default();
                let values = reader.cache.pointer(object.before(before))?;
                Self { dict, values }
            }
            InstanceDict::TaggedDictOrValues if dict.get() & 1 != 0 => Self {
                dict: RemoteAddress::NULL,
                values: dict.offset(1),
            },
            InstanceDict::TaggedDictOrValues => Self {
                dict,
                values: RemoteAddress::NULL,
            },
            InstanceDict::InlineValues | InstanceDict::InlineValuesHeadless => {
                let mut values = RemoteAddress::NULL;
                let header = &reader.layout.structs.py_dict_values;
                if info.flags & type_flags::INLINE_VALUES != 0
                    && let Some(valid) = header.as_ref().and_then(|header| header.valid)
                {
                    let inline = object.offset(info.basicsize);
                    if reader.cache.u8(inline.offset(valid))? != 0 {
                        values = inline;
                    }
                }
                Self { dict, values }
            }
        })
    }
}

fn managed<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let managed = Managed::read(reader, object, info)?;
    sink.own(managed.dict, Step::InstanceDict);
    // A dictionary that was made for an instance holds the values that stay in the instance,
    // as `PyObject_VisitManagedDict` has it since 3.13.3 (gh-130327).
    let in_dict = reader.layout.shapes.instance_dict.are_values_inside() && !managed.dict.is_null();
    if managed.values.is_null() || in_dict {
        return Ok(());
    }
    let first = first_value(reader.layout);
    let count = info.inline_names.len();
    let names = &info.inline_names;
    reader.pointers(managed.values.offset(first), count, |_, i, value| {
        sink.own(value, Step::InlineAttribute(names[i]));
    })
}

/// Bytes from the start of an object whose length varies to its end, rounded up to a
/// pointer: `_PyObject_VAR_SIZE`.
fn variable_end<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<u64, Fault> {
    let items = if info.family == Family::Int {
        crate::number::digit_count(reader, object)?
    } else {
        let ob_size = reader.layout.structs.py_var_object.ob_size;
        reader.cache.i64(object.offset(ob_size))?.unsigned_abs()
    };
    let items = items.saturating_mul(info.itemsize).min(1 << 40);
    Ok((info.basicsize + items).next_multiple_of(8))
}

/// How many values a class's instances have room for.
pub(crate) fn shared_size<M: Memory>(
    reader: &mut Reader<'_, M>,
    info: &TypeInfo,
) -> Result<u64, Fault> {
    let ht_cached_keys = reader.layout.structs.py_heap_type_object.ht_cached_keys;
    let keys = reader.cache.pointer(info.address.offset(ht_cached_keys))?;
    if keys.is_null() {
        return Ok(0);
    }
    let keys = Keys::read(reader, keys)?;
    Ok(keys.map_or(0, |keys| keys.shared_size().min(MAX_SHARED)))
}
