//! `numpy.dtype`: what the items of an array are. Neither tracked nor traversed.
//!
//! Facts: `PyArray_DescrProto` (1.x), `_PyArray_DescrNumPy2` and `_PyArray_LegacyDescr` (2.x)
//! of `numpy/ndarraytypes.h`.

use super::{CType, Decode, Extension, Taken};
use crate::decode::dict::Table;
use crate::diagnostics::Trouble;
use crate::number;
use crate::reader::Reader;
use crate::sink::{Sink, Step};
use crate::types::Family;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// `NPY_OBJECT`.
const OBJECT: u32 = 17;
/// `NPY_ITEM_REFCOUNT`: items hold references.
const ITEM_REFCOUNT: u8 = 1;
/// How deep types of structured items are followed into each other, how many of them are
/// looked at, those without objects included, and how many objects one item may have.
const MAX_DEPTH: usize = 16;
const MAX_TYPES: usize = 1 << 16;
const MAX_OBJECTS: usize = 4096;

/// Offsets behind the head of an object.
#[derive(Debug, Clone, Copy)]
struct Offsets {
    type_num: u64,
    flags: u64,
    elsize: u64,
    /// Bytes of `elsize`.
    elsize_width: u64,
    metadata: u64,
    /// `subarray`, `fields` and `names`; new-style types of 2.x have none.
    structure: Option<u64>,
}

/// 1.x: 80 bytes behind the head.
const ONE: Offsets = Offsets {
    type_num: 12,
    flags: 11,
    elsize: 16,
    elsize_width: 4,
    metadata: 56,
    structure: Some(24),
};

/// 2.x: 72 bytes behind the head; 104 of the types that 1.x had.
const TWO: Offsets = Offsets {
    type_num: 12,
    flags: 16,
    elsize: 24,
    elsize_width: 8,
    metadata: 40,
    structure: None,
};
const TWO_SIZE: u64 = 72;
const TWO_LEGACY: Offsets = Offsets {
    structure: Some(TWO_SIZE),
    ..TWO
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Dtype {
    head: u64,
    offsets: Offsets,
    is_string: bool,
}

impl Decode for Dtype {
    fn is_for(tp_name: &str) -> bool {
        tp_name == "numpy.dtype"
            || tp_name.starts_with("numpy.dtype[")
            || tp_name.starts_with("numpy.dtypes.")
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let offsets = match tp.basicsize.wrapping_sub(tp.head) {
            80 => ONE,
            TWO_SIZE => TWO,
            104 => TWO_LEGACY,
            _ => return Ok(None),
        };
        let mut fields = vec![
            tp.attribute(0, "type"),
            tp.attribute(offsets.metadata, "metadata"),
        ];
        if let Some(structure) = offsets.structure {
            fields.push(tp.attribute(structure + 8, "fields"));
            fields.push(tp.attribute(structure + 16, "names"));
        }
        let decoder = Self {
            head: tp.head,
            offsets,
            is_string: false,
        };
        Ok(Taken::all(decoder, fields))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let subarray = self.subarray(reader, object)?;
        if !subarray.is_null() {
            let base = reader.cache.pointer(subarray)?;
            let shape = reader.cache.pointer(subarray.offset(8))?;
            let (base_name, shape_name) = (reader.names.subarray_base, reader.names.shape);
            sink.own(base, Step::Attribute(base_name));
            sink.own(shape, Step::Attribute(shape_name));
        }
        Ok(())
    }
}

/// A search for objects in the items of a type.
struct Search {
    /// Their offsets.
    objects: Vec<u64>,
    /// How many types may still be looked at.
    types_left: usize,
}

/// Where the objects of an item are.
pub(super) struct Items {
    /// Bytes of an item.
    pub(super) size: u64,
    /// Offsets of the objects in it, ascending.
    pub(super) objects: Vec<u64>,
}

impl Items {
    /// Whether an item is an object and nothing else.
    pub(super) fn is_plain_object(&self) -> bool {
        self.size == 8 && self.objects == [0]
    }
}

impl Dtype {
    /// The common part of the types of 2.x.
    pub(super) fn string(head: u64) -> Self {
        Self {
            head,
            offsets: TWO,
            is_string: true,
        }
    }

    /// Whether items are of the string type of 2.x, which keeps them in a block of its own.
    pub(super) fn is_string(self) -> bool {
        self.is_string
    }

    /// Whether items hold references to objects.
    pub(super) fn has_objects<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        descr: RemoteAddress,
    ) -> Result<bool, Fault> {
        let flags = reader.cache.u8(self.at(descr, self.offsets.flags))?;
        Ok(flags & ITEM_REFCOUNT != 0)
    }

    /// Bytes of an item.
    pub(super) fn itemsize<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        descr: RemoteAddress,
    ) -> Result<u64, Fault> {
        let at = self.at(descr, self.offsets.elsize);
        if self.offsets.elsize_width == 4 {
            Ok(u64::from(reader.cache.u32(at)?))
        } else {
            reader.cache.u64(at)
        }
    }

    /// Where the objects of an item are.
    pub(super) fn items<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        descr: RemoteAddress,
    ) -> Result<Items, Fault> {
        let mut search = Search {
            objects: Vec::new(),
            types_left: MAX_TYPES,
        };
        self.collect(reader, descr, 0, 0, &mut search)?;
        let mut objects = search.objects;
        objects.sort_unstable();
        // A field with a title is in the dictionary twice.
        objects.dedup();
        let size = self.itemsize(reader, descr)?;
        Ok(Items { size, objects })
    }

    fn collect<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        descr: RemoteAddress,
        start: u64,
        depth: usize,
        search: &mut Search,
    ) -> Result<(), Fault> {
        if search.types_left == 0 {
            return Ok(());
        }
        search.types_left -= 1;
        // Many arrays can have the same type.
        reader.spend(descr, 1)?;
        if !self.has_objects(reader, descr)? {
            return Ok(());
        }
        let is_too_much = search.objects.len() >= MAX_OBJECTS || depth == MAX_DEPTH;
        if is_too_much || search.types_left == 0 {
            reader.diagnostics.count(Trouble::ImplausibleLength, descr);
            return Ok(());
        }
        if reader.cache.u32(self.at(descr, self.offsets.type_num))? == OBJECT {
            search.objects.push(start);
            return Ok(());
        }
        let subarray = self.subarray(reader, descr)?;
        if !subarray.is_null() {
            return self.subarray_items(reader, descr, subarray, start, depth, search);
        }
        let Some(structure) = self.offsets.structure else {
            return Ok(());
        };
        let fields = reader.cache.pointer(self.at(descr, structure + 8))?;
        for (field, offset) in fields_of(reader, fields)? {
            if let Some(dtype) = Self::of(reader, field) {
                let start = start.saturating_add(offset);
                dtype.collect(reader, field, start, depth + 1, search)?;
            }
        }
        Ok(())
    }

    fn subarray_items<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        descr: RemoteAddress,
        subarray: RemoteAddress,
        start: u64,
        depth: usize,
        search: &mut Search,
    ) -> Result<(), Fault> {
        let base = reader.cache.pointer(subarray)?;
        let Some(dtype) = Self::of(reader, base) else {
            return Ok(());
        };
        let size = dtype.itemsize(reader, base)?;
        let count = self.itemsize(reader, descr)?.checked_div(size).unwrap_or(0);
        for i in 0..count.min(MAX_OBJECTS as u64) {
            if search.objects.len() >= MAX_OBJECTS {
                break;
            }
            let start = start.saturating_add(i.saturating_mul(size));
            dtype.collect(reader, base, start, depth + 1, search)?;
        }
        Ok(())
    }

    /// The decoder of the `dtype` object at an address.
    fn of<M: Memory>(reader: &mut Reader<'_, M>, descr: RemoteAddress) -> Option<Self> {
        match reader.type_of(descr)?.extension {
            Some(Extension::NumpyDtype(dtype)) => Some(dtype),
            _ => None,
        }
    }

    /// The `PyArray_ArrayDescr`, or null.
    fn subarray<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        descr: RemoteAddress,
    ) -> Result<RemoteAddress, Fault> {
        match self.offsets.structure {
            Some(structure) => reader.cache.pointer(self.at(descr, structure)),
            None => Ok(RemoteAddress::NULL),
        }
    }

    fn at(self, descr: RemoteAddress, offset: u64) -> RemoteAddress {
        descr.offset(self.head + offset)
    }
}

/// The types of the fields of a structured type, and where they are in an item: the first
/// two items of the tuples in its dictionary.
fn fields_of<M: Memory>(
    reader: &mut Reader<'_, M>,
    dict: RemoteAddress,
) -> Result<Vec<(RemoteAddress, u64)>, Fault> {
    let mut found = Vec::new();
    if dict.is_null() {
        return Ok(found);
    }
    let Some(table) = Table::read(reader, dict)? else {
        return Ok(found);
    };
    table.entries(reader, |reader, _, tuple| {
        if found.len() < MAX_OBJECTS
            && let Ok(Some(field)) = field_of(reader, tuple)
        {
            found.push(field);
        }
    })?;
    Ok(found)
}

fn field_of<M: Memory>(
    reader: &mut Reader<'_, M>,
    tuple: RemoteAddress,
) -> Result<Option<(RemoteAddress, u64)>, Fault> {
    let t = &reader.layout.structs.py_tuple_object;
    let (ob_size, ob_item) = (t.ob_size, t.ob_item);
    let is_tuple = reader.type_of(tuple).map(|info| info.family) == Some(Family::Tuple);
    if !is_tuple || reader.cache.u64(tuple.offset(ob_size))? < 2 {
        return Ok(None);
    }
    let descr = reader.cache.pointer(tuple.offset(ob_item))?;
    let offset = reader.cache.pointer(tuple.offset(ob_item + 8))?;
    let offset = number::small(reader, offset)?;
    Ok(offset.map(|offset| (descr, offset)))
}
