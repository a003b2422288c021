//! `numpy.flatiter` and `numpy.broadcast`, which nothing traverses.
//!
//! Facts: `PyArrayIterObject` and `PyArrayMultiIterObject` of `numpy/ndarraytypes.h`.

use super::{CType, Decode, Taken};
use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// `flatiter`: bytes behind the head, the same in 1.x and 2.x, and its array.
const FLAT_SIZE: u64 = 2616;
const FLAT_ARRAY: u64 = 1304;
/// `broadcast`: where its iterators begin, and how many there is room for: `NPY_MAXARGS`.
const ITERATORS: u64 = 288;
const ROOM: [u64; 2] = [32, 64];

#[derive(Debug, Clone, Copy)]
pub(crate) enum ArrayIterator {
    Flat,
    /// The head of the struct, and how many iterators it has room for.
    Broadcast {
        head: u64,
        room: u64,
    },
}

impl Decode for ArrayIterator {
    fn is_for(tp_name: &str) -> bool {
        matches!(tp_name, "numpy.flatiter" | "numpy.broadcast")
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let size = tp.basicsize.wrapping_sub(tp.head);
        if tp.tp_name == "numpy.flatiter" {
            let fields = vec![tp.attribute(FLAT_ARRAY, "base")];
            return Ok(Taken::all(Self::Flat, fields).filter(|_| size == FLAT_SIZE));
        }
        let room = size.wrapping_sub(ITERATORS) / 8;
        let head = tp.head;
        let taken = Taken::all(Self::Broadcast { head, room }, Vec::new());
        Ok(taken.filter(|_| ROOM.contains(&room)))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let Self::Broadcast { head, room } = self else {
            return Ok(());
        };
        let numiter = u64::from(reader.cache.u32(object.offset(head))?).min(room);
        let first = object.offset(head + ITERATORS);
        reader.pointers(first, numiter as usize, |_, i, iterator| {
            sink.own(iterator, Step::Numbered(i));
        })
    }
}
