//! `numpy.ndarray`: it has no `tp_traverse`, so that the collector, and whoever asks it, sees
//! none of an array's objects.
//!
//! Facts: `PyArrayObject_fields` of `numpy/ndarraytypes.h`, `array_sizeof` and
//! `_clear_array_attributes` of `arrayobject.c`.

use super::numpy_dtype::{Dtype, Items};
use super::{CType, Decode, Extension, Taken};
use crate::diagnostics::Trouble;
use crate::extent::Parts;
use crate::reader::{Reader, pointer_in, u64_in};
use crate::sink::{Sink, Step};
use crate::types::TypeInfo;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The layouts of `PyArrayObject_fields`, by what the struct has behind its head: the same
/// fields in all, and more at the end. 1.17 to 1.19; 1.20 and 1.21 (`_buffer_info`); 1.22 and
/// later, 2.x included (`mem_handler`).
const SIZES: [u64; 3] = [64, 72, 80];
const DATA: u64 = 0;
const ND: u64 = 8;
const DIMENSIONS: u64 = 16;
const STRIDES: u64 = 24;
const BASE: u64 = 32;
const DESCR: u64 = 40;
const FLAGS: u64 = 48;
const MEM_HANDLER: u64 = 72;
/// Bytes of the fields that are read at once.
const READ: usize = 56;

/// `NPY_ARRAY_OWNDATA`: the array frees the buffer, and owns the objects in it.
const OWNDATA: u64 = 4;
/// `NPY_MAXDIMS` of 2.x; 1.x has 32.
const MAX_DIMENSIONS: u64 = 64;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Array {
    head: u64,
    /// Bytes of the struct where `__sizeof__` counts those of the struct alone, also for
    /// classes that add to it: before 1.20.
    counted: Option<u64>,
}

impl Decode for Array {
    fn is_for(tp_name: &str) -> bool {
        tp_name == "numpy.ndarray"
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let size = tp.basicsize.wrapping_sub(tp.head);
        if !SIZES.contains(&size) {
            return Ok(None);
        }
        let mut fields = vec![tp.attribute(BASE, "base"), tp.attribute(DESCR, "dtype")];
        if size > MEM_HANDLER {
            fields.push(tp.interior(MEM_HANDLER, "mem_handler"));
        }
        let decoder = Self {
            head: tp.head,
            counted: (size == SIZES[0]).then_some(tp.basicsize),
        };
        Ok(Taken::all(decoder, fields))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let fields = Fields::read(reader, object.offset(self.head))?;
        let Some(dtype) = fields.dtype(reader) else {
            return Ok(());
        };
        // What a view shows belongs to its base.
        if !fields.owns_data() || !dtype.has_objects(reader, fields.descr)? {
            return Ok(());
        }
        let items = dtype.items(reader, fields.descr)?;
        // `np.empty(10**15, [('a', object, (0,))])` has its many items in no memory at all.
        if items.objects.is_empty() || items.size == 0 {
            return Ok(());
        }
        let Some(view) = fields.view(reader, object, items.size)? else {
            return Ok(());
        };
        if view.is_row_of(items.size) && items.is_plain_object() {
            let count = view.count as usize;
            return reader.pointers(view.data, count, |_, i, item| {
                sink.own(item, Step::Index(i));
            });
        }
        view.objects(reader, &items, sink)
    }

    fn measure<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        info: &TypeInfo,
        parts: &mut Parts,
    ) -> Result<(), Fault> {
        if let Some(counted) = self.counted {
            parts.own = counted;
            parts.uncounted = info.basicsize.saturating_sub(counted);
        }
        let fields = Fields::read(reader, object.offset(self.head))?;
        parts.counted = 16 * fields.nd.min(MAX_DIMENSIONS);
        let Some(dtype) = fields.dtype(reader).filter(|_| fields.owns_data()) else {
            return Ok(());
        };
        let itemsize = dtype.itemsize(reader, fields.descr)?;
        if let Some(view) = fields.view(reader, object, itemsize)? {
            parts.counted = parts.counted.saturating_add(view.bytes);
            if dtype.is_string() {
                let texts = super::numpy_string::outside_arena(reader, &view)?;
                parts.uncounted = parts.uncounted.saturating_add(texts);
            }
        }
        Ok(())
    }
}

/// The fields of an array that say where its items are.
struct Fields {
    data: RemoteAddress,
    nd: u64,
    dimensions: RemoteAddress,
    strides: RemoteAddress,
    descr: RemoteAddress,
    flags: u64,
}

impl Fields {
    fn read<M: Memory>(reader: &mut Reader<'_, M>, at: RemoteAddress) -> Result<Self, Fault> {
        let mut bytes = [0; READ];
        reader.cache.read_exact(at, &mut bytes)?;
        Ok(Self {
            data: pointer_in(&bytes, DATA),
            nd: u64_in(&bytes, ND) & u64::from(u32::MAX),
            dimensions: pointer_in(&bytes, DIMENSIONS),
            strides: pointer_in(&bytes, STRIDES),
            descr: pointer_in(&bytes, DESCR),
            flags: u64_in(&bytes, FLAGS),
        })
    }

    fn owns_data(&self) -> bool {
        self.flags & OWNDATA != 0 && !self.data.is_null()
    }

    fn dtype<M: Memory>(&self, reader: &mut Reader<'_, M>) -> Option<Dtype> {
        match reader.type_of(self.descr)?.extension {
            Some(Extension::NumpyDtype(dtype)) => Some(dtype),
            Some(Extension::NumpyString(string)) => Some(string.dtype()),
            _ => None,
        }
    }

    /// The shape, or `None` with a diagnostic when it needs more memory than there is.
    fn view<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        itemsize: u64,
    ) -> Result<Option<View>, Fault> {
        let mut axes = Vec::new();
        let mut count: u64 = 1;
        for i in 0..self.nd.min(MAX_DIMENSIONS) {
            let length = reader.cache.u64(self.dimensions.offset(8 * i))?;
            let stride = reader.cache.i64(self.strides.offset(8 * i))?;
            axes.push(Axis { length, stride });
            count = count.saturating_mul(length);
        }
        let bytes = count.saturating_mul(itemsize);
        if bytes > reader.memory_bytes || self.nd > MAX_DIMENSIONS {
            reader.diagnostics.count(Trouble::ImplausibleLength, object);
            return Ok(None);
        }
        Ok(Some(View {
            data: self.data,
            axes,
            count,
            bytes,
        }))
    }
}

struct Axis {
    length: u64,
    stride: i64,
}

/// The items of an array that owns them.
pub(super) struct View {
    pub(super) data: RemoteAddress,
    axes: Vec<Axis>,
    pub(super) count: u64,
    /// Bytes of all items.
    pub(super) bytes: u64,
}

impl View {
    /// Whether the items lie one after the other in a single row.
    fn is_row_of(&self, itemsize: u64) -> bool {
        matches!(self.axes[..], [Axis { stride, .. }] if stride as u64 == itemsize)
    }

    /// The objects in each item, the items in the order of `flat`. Each item has one, so that
    /// their number is bounded by what may be read.
    fn objects<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        items: &Items,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let words = self.count.saturating_mul(items.objects.len() as u64);
        reader.spend(self.data, words)?;
        let mut place = vec![0; self.axes.len()];
        for i in 0..self.count as usize {
            let offset = self.offset_of(&place);
            // An array's owner never has items outside of its buffer.
            if offset.saturating_add(items.size) <= self.bytes {
                self.item(reader, i, offset, items, sink)?;
            }
            self.advance(&mut place);
        }
        Ok(())
    }

    fn item<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        i: usize,
        offset: u64,
        items: &Items,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let each = items.objects.len();
        for (n, at) in items.objects.iter().enumerate() {
            let target = reader.cache.pointer(self.data.offset(offset).offset(*at))?;
            let step = match (items.is_plain_object(), self.axes.len()) {
                (true, 1) => Step::Index(i),
                (true, _) => reader.flat_item(i),
                // A field of a structured item.
                (false, _) => Step::Numbered(i * each + n),
            };
            sink.own(target, step);
        }
        Ok(())
    }

    fn offset_of(&self, place: &[u64]) -> u64 {
        let steps = self.axes.iter().zip(place);
        steps.fold(0, |offset: u64, (axis, &i)| {
            offset.wrapping_add((axis.stride as u64).wrapping_mul(i))
        })
    }

    /// The next place in the order of `flat`: the last axis goes fastest.
    fn advance(&self, place: &mut [u64]) {
        for (axis, i) in self.axes.iter().zip(place).rev() {
            *i += 1;
            if *i < axis.length {
                return;
            }
            *i = 0;
        }
    }
}
