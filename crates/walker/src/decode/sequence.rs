//! `list` and `tuple`.

use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The longest sequence that is believed: 2^37 pointers are a terabyte.
const MAX_LENGTH: i64 = 1 << 37;

/// What `list.sort` writes into `allocated` while it has the items, so that it can tell whether
/// the list was changed meanwhile. With a key in Python this can be long, and other threads run.
const SORTED: i64 = -1;

/// The length at an address, or 0 with a diagnostic when it is impossible.
pub(super) fn length<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    at: RemoteAddress,
) -> Result<usize, Fault> {
    let length = reader.cache.i64(at)?;
    if (0..=MAX_LENGTH).contains(&length) {
        return Ok(length as usize);
    }
    reader.diagnostics.count(Trouble::ImplausibleLength, object);
    Ok(0)
}

pub(super) fn tuple<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let t = &reader.layout.structs.py_tuple_object;
    let (ob_size, ob_item) = (t.ob_size, t.ob_item);
    let length = length(reader, object, object.offset(ob_size))?;
    items(reader, object.offset(ob_item), length, sink)
}

/// Where the items of a tuple end, in bytes from its start.
pub(super) fn tuple_end<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<u64, Fault> {
    let t = &reader.layout.structs.py_tuple_object;
    let (ob_size, ob_item) = (t.ob_size, t.ob_item);
    let length = length(reader, object, object.offset(ob_size))? as u64;
    Ok(ob_item + 8 * length)
}

pub(super) fn list<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let l = &reader.layout.structs.py_list_object;
    let (ob_size, ob_item, allocated) = (l.ob_size, l.ob_item, l.allocated);
    let length = length(reader, object, object.offset(ob_size))?;
    // While a list is sorted it has less room than none.
    let allocated = reader.cache.i64(object.offset(allocated))?;
    if allocated == SORTED && length == 0 {
        reader.diagnostics.count(Trouble::Sorted, object);
    } else if allocated < length as i64 {
        reader.diagnostics.count(Trouble::Torn, object);
    }
    if length == 0 {
        return Ok(());
    }
    let first = reader.cache.pointer(object.offset(ob_item))?;
    items(reader, first, length, sink)
}

fn items<M: Memory>(
    reader: &mut Reader<'_, M>,
    first: RemoteAddress,
    length: usize,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    reader.pointers(first, length, |_, i, item| sink.own(item, Step::Index(i)))
}
