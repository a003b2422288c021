//! `pyexpat.xmlparser`: an array of the handlers that were set.

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use crate::types::TypeInfo;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Handlers in `handler_info` of `Modules/pyexpat.c`, from `StartElementHandler` to
/// `SkippedEntityHandler`; the same in 3.8 to 3.13.
const HANDLERS: usize = 22;

pub(in crate::decode) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = reader.layout.structs_of(info.variant);
    let Some(parser) = &structs.xml_parse_object else {
        return Ok(());
    };
    // The last field of the struct: later releases of a series have one more before it.
    let Some(at) = info.basicsize.checked_sub(parser.size - parser.handlers) else {
        return Ok(());
    };
    let handlers = reader.cache.pointer(object.offset(at))?;
    if handlers.is_null() {
        return Ok(());
    }
    reader.pointers(handlers, HANDLERS, |_, i, handler| {
        sink.own(handler, Step::Numbered(i));
    })
}
