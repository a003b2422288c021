//! Code objects: their fields are in the tables; here is what they cache of themselves.

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = &reader.layout.structs;
    let names = reader.names;
    let (Some(cached), Some(at)) = (&structs.py_co_cached, structs.py_code_object._co_cached)
    else {
        return Ok(());
    };
    let at = reader.cache.pointer(object.offset(at))?;
    if at.is_null() {
        return Ok(());
    }
    let fields = [
        (cached._co_code, names.co_code),
        (cached._co_varnames, names.co_varnames),
        (cached._co_cellvars, names.co_cellvars),
        (cached._co_freevars, names.co_freevars),
    ];
    for (offset, name) in fields {
        let target = reader.cache.pointer(at.offset(offset))?;
        sink.own(target, Step::Attribute(name));
    }
    Ok(())
}
