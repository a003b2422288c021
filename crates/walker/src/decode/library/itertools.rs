//! `itertools.tee`: its data are links that hold up to 57 values each.

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

pub(in crate::decode) fn tee_data<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let Some(data) = &reader.layout.structs.tee_data_object else {
        return Ok(());
    };
    // The slots that were not yet read into hold anything.
    let read = reader.cache.u32(object.offset(data.numread))?;
    let read = u64::from(read).min(data.values_length) as usize;
    reader.pointers(object.offset(data.values), read, |_, i, value| {
        sink.own(value, Step::Index(i));
    })
}
