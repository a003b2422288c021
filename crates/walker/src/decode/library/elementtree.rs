//! `xml.etree.ElementTree`: attributes and children lie in a block of their own.

use crate::decode::sequence::length;
use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The references of an `Element`.
pub(in crate::decode) fn element<M: Memory>(
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
        sink.own(child, Step::Index(i));
    })
}

/// The elements that an iterator has yet to finish: a stack.
pub(in crate::decode) fn iterator<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = &reader.layout.structs;
    let (Some(iterator), Some(locator)) = (&structs.element_iter_object, &structs.parent_locator)
    else {
        return Ok(());
    };
    let used = length(reader, object, object.offset(iterator.parent_stack_used))?;
    let stack = reader.cache.pointer(object.offset(iterator.parent_stack))?;
    reader.spend(stack, used as u64 * locator.size / 8)?;
    for i in 0..used {
        let at = stack.offset(i as u64 * locator.size + locator.parent);
        let parent = reader.cache.pointer(at)?;
        sink.own(parent, Step::Numbered(i));
    }
    Ok(())
}
