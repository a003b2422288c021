//! `numpy._DTypeMeta`: the types of dtypes are structs larger than a type.
//!
//! Facts: `PyArray_DTypeMeta` of `numpy/dtype_api.h`, `NPY_DType_Slots` of `dtypemeta.h`; the
//! same size in 1.22 to 2.5.

use super::{CType, Decode, Taken};
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Bytes behind `PyHeapTypeObject`.
const SIZE: u64 = 64;
const SINGLETON: u64 = 0;
const SCALAR_TYPE: u64 = 16;
const DT_SLOTS: u64 = 32;
/// Words of `NPY_DType_Slots` up to its dictionary of casts, in all versions: functions,
/// then objects.
const SLOTS: usize = 14;

#[derive(Debug, Clone, Copy)]
pub(crate) struct DtypeMeta {
    /// Where the struct goes on behind `PyHeapTypeObject`.
    end: u64,
}

impl Decode for DtypeMeta {
    fn is_for(tp_name: &str) -> bool {
        tp_name == "numpy._DTypeMeta"
    }

    fn take<M: Memory>(
        reader: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let end = reader.layout.structs.py_heap_type_object.size;
        let Some(behind) = end.checked_sub(tp.head) else {
            return Ok(None);
        };
        if tp.basicsize != end + SIZE {
            return Ok(None);
        }
        let fields = vec![
            tp.interior(behind + SINGLETON, "singleton"),
            tp.attribute(behind + SCALAR_TYPE, "type"),
        ];
        Ok(Taken::all(Self { end }, fields))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let slots = reader.cache.pointer(object.offset(self.end + DT_SLOTS))?;
        if slots.is_null() {
            return Ok(());
        }
        reader.pointers(slots, SLOTS, |reader, i, word| {
            sink.refer_by_word(reader, word, Step::Numbered(i), Hold::Owned);
        })
    }
}
