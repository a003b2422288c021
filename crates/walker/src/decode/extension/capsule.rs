//! `PyCapsule`: a pointer of C, and another as context, which may be to objects. What it is
//! only its destructor knows; an object there counts as owned, so that it is not lost.

use super::{CType, Decode, Taken};
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// `PyCapsule` behind the head: `pointer`, `name`, `context`, `destructor`.
const POINTER: u64 = 0;
const CONTEXT: u64 = 16;
const SIZE: u64 = 32;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Capsule {
    head: u64,
}

impl Decode for Capsule {
    fn is_for(tp_name: &str) -> bool {
        tp_name == "PyCapsule"
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let decoder = Self { head: tp.head };
        Ok(Taken::more(decoder, Vec::new()).filter(|_| tp.basicsize >= tp.head + SIZE))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        for (offset, name) in [(POINTER, "pointer"), (CONTEXT, "context")] {
            let word = reader.cache.pointer(object.offset(self.head + offset))?;
            if !is_interface(reader, word) {
                let step = Step::Interior(reader.intern(name));
                sink.refer_by_word(reader, word, step, Hold::Owned);
            }
        }
        Ok(())
    }
}

/// Whether a pointer leads to the C interface of a module: it lies in the module's image, or
/// begins with a type, as an object never does. In a program that is loaded at a low address
/// the address of a type could be a reference count, and the type behind it that of an object.
fn is_interface<M: Memory>(reader: &mut Reader<'_, M>, at: RemoteAddress) -> bool {
    let first = reader.cache.pointer(at).unwrap_or_default();
    reader.is_in_image(at) || reader.type_at(first).is_some()
}
