//! The scalars of numpy. All but `numpy.void` hold a value and nothing else; their
//! `__sizeof__` counts the value a second time.
//!
//! Facts: `arrayscalars.h`, `gentype_sizeof` and `void_dealloc` of `scalartypes.c.src`.

use super::{CType, Decode, Extension, Taken};
use crate::extent::{Parts, c_block};
use crate::reader::Reader;
use crate::sink::{Sink, Step};
use crate::types::TypeInfo;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Bytes of the value of each scalar of a fixed size.
const FIXED: [(&str, u64); 29] = [
    ("bool", 1),
    ("bool_", 1),
    ("int8", 1),
    ("uint8", 1),
    ("int16", 2),
    ("uint16", 2),
    ("int32", 4),
    ("uint32", 4),
    ("int64", 8),
    ("uint64", 8),
    ("byte", 1),
    ("ubyte", 1),
    ("short", 2),
    ("ushort", 2),
    ("intc", 4),
    ("uintc", 4),
    ("longlong", 8),
    ("ulonglong", 8),
    ("float16", 2),
    ("float32", 4),
    ("float64", 8),
    ("float128", 16),
    ("longdouble", 16),
    ("complex64", 8),
    ("complex128", 16),
    ("complex256", 32),
    ("clongdouble", 32),
    ("datetime64", 8),
    ("timedelta64", 8),
];

/// `PyVoidScalarObject` behind the head: `ob_size`, `obval`, `descr`, `flags`, `base`, and
/// from 1.20 on `_buffer_info`.
const VOID_SIZES: [u64; 2] = [40, 48];
const VOID_OBVAL: u64 = 8;
const VOID_DESCR: u64 = 16;
const VOID_FLAGS: u64 = 24;
const VOID_BASE: u64 = 32;
/// `NPY_ARRAY_OWNDATA`.
const OWNDATA: u8 = 4;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Scalar {
    /// A value of so many bytes.
    Fixed(u64),
    /// `numpy.bytes_`, whose items are bytes.
    Bytes,
    /// `numpy.void`: an item of a structured array; the struct's head is so many bytes.
    Void(u64),
}

impl Decode for Scalar {
    fn is_for(tp_name: &str) -> bool {
        let name = tp_name.strip_prefix("numpy.");
        name.is_some_and(|name| matches!(name, "bytes_" | "void") || fixed(name).is_some())
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let size = tp.basicsize.wrapping_sub(tp.head);
        let name = tp.tp_name.trim_start_matches("numpy.");
        if name == "void" {
            let fields = vec![
                tp.attribute(VOID_DESCR, "dtype"),
                tp.attribute(VOID_BASE, "base"),
            ];
            let is_known = VOID_SIZES.contains(&size);
            return Ok(Taken::all(Self::Void(tp.head), fields).filter(|_| is_known));
        }
        let decoder = match fixed(name) {
            Some(value) if value <= size => Self::Fixed(value),
            Some(_) => return Ok(None),
            None => Self::Bytes,
        };
        Ok(Taken::all(decoder, Vec::new()))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let Self::Void(head) = self else {
            return Ok(());
        };
        let Some(item) = Item::read(reader, object.offset(head))? else {
            return Ok(());
        };
        // The item of an array belongs to the array, which is its `base`.
        if !item.owns_data {
            return Ok(());
        }
        let Some(Extension::NumpyDtype(dtype)) =
            reader.type_of(item.descr).and_then(|t| t.extension)
        else {
            return Ok(());
        };
        let objects = dtype.items(reader, item.descr)?.objects;
        reader.spend(item.obval, objects.len() as u64)?;
        for (n, at) in objects.into_iter().enumerate() {
            let target = reader.cache.pointer(item.obval.offset(at))?;
            sink.own(target, Step::Index(n));
        }
        Ok(())
    }

    fn measure<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        info: &TypeInfo,
        parts: &mut Parts,
    ) -> Result<(), Fault> {
        match self {
            // The value lies in the object, and is not there twice.
            Self::Fixed(value) => parts.others = value,
            Self::Bytes => {
                let ob_size = reader.layout.structs.py_var_object.ob_size;
                let length = reader.cache.u64(object.offset(ob_size))?;
                parts.others = length.min(reader.memory_bytes);
            }
            Self::Void(head) => {
                let Some(item) = Item::read(reader, object.offset(head))? else {
                    return Ok(());
                };
                let Some(Extension::NumpyDtype(dtype)) =
                    reader.type_of(item.descr).and_then(|t| t.extension)
                else {
                    return Ok(());
                };
                let size = dtype.itemsize(reader, item.descr)?;
                parts.own = info.basicsize;
                parts.others = size;
                if item.owns_data && size <= reader.memory_bytes {
                    parts.uncounted = parts.uncounted.saturating_add(c_block(size));
                }
            }
        }
        Ok(())
    }
}

fn fixed(name: &str) -> Option<u64> {
    let known = FIXED.iter().find(|(known, _)| *known == name)?;
    Some(known.1)
}

/// What a `numpy.void` shows.
struct Item {
    obval: RemoteAddress,
    descr: RemoteAddress,
    owns_data: bool,
}

impl Item {
    fn read<M: Memory>(
        reader: &mut Reader<'_, M>,
        at: RemoteAddress,
    ) -> Result<Option<Self>, Fault> {
        let obval = reader.cache.pointer(at.offset(VOID_OBVAL))?;
        let descr = reader.cache.pointer(at.offset(VOID_DESCR))?;
        let flags = reader.cache.u8(at.offset(VOID_FLAGS))?;
        let is_there = !obval.is_null() && !descr.is_null();
        Ok(is_there.then_some(Self {
            obval,
            descr,
            owns_data: flags & OWNDATA != 0,
        }))
    }
}
