//! `numpy.ufunc`: its `tp_traverse` leaves out its loops.
//!
//! Facts: `PyUFuncObject` of `numpy/ufuncobject.h`; 1.17 to 2.5.

use super::{CType, Decode, Taken};
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Bytes behind the head: up to 1.21, 1.22 to 1.26 (`_loops`), and 2.x with one function more.
const SIZES: [u64; 3] = [200, 216, 224];
const OBJ: u64 = 72;
const USERLOOPS: u64 = 80;
/// The function's attributes in 2.x, a function in 1.x.
const DICT: u64 = 136;
const IDENTITY_VALUE: u64 = 192;
const LOOPS: u64 = 208;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Ufunc {
    head: u64,
}

impl Decode for Ufunc {
    fn is_for(tp_name: &str) -> bool {
        tp_name == "numpy.ufunc"
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let size = tp.basicsize.wrapping_sub(tp.head);
        if !SIZES.contains(&size) {
            return Ok(None);
        }
        let mut fields = vec![tp.interior(OBJ, "obj"), tp.interior(USERLOOPS, "userloops")];
        if size > LOOPS {
            fields.push(tp.interior(LOOPS, "_loops"));
        }
        Ok(Taken::all(Self { head: tp.head }, fields))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        // Only some functions have an identity that is an object, and only 2.x has the
        // dictionary: whether an object is there shows when it is looked at.
        let places = [
            (IDENTITY_VALUE, Step::Attribute(reader.names.identity)),
            (DICT, Step::InstanceDict),
        ];
        for (offset, step) in places {
            let word = reader.cache.pointer(object.offset(self.head + offset))?;
            sink.refer_by_word(reader, word, step, Hold::Owned);
        }
        Ok(())
    }
}
