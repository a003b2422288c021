//! `xml.etree.ElementTree.Element`: attributes and children lie in a block of their own.

use super::sequence::length;
use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = &reader.layout.structs;
    let (Some(element), Some(extra)) = (&structs.element_object, &structs.element_object_extra)
    else {
        return Ok(());
    };
    let at = reader.cache.pointer(object.offset(element.extra))?;
    if at.is_null() {
        return Ok(());
    }
    let attrib = reader.cache.pointer(at.offset(extra.attrib))?;
    sink.own(attrib, Step::Attribute(reader.names.attrib));
    let count = length(reader, object, at.offset(extra.length))?;
    let children = reader.cache.pointer(at.offset(extra.children))?;
    reader.pointers(children, count, |_, i, child| {
        sink.own(child, Step::Index(i))
    })
}
