//! `re`'s compiled templates (3.12): literals between the groups.

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The most items that are believed.
const MAX_ITEMS: u64 = 1 << 24;
/// An item: the number of a group, and the literal after it.
const ITEM: u64 = 16;
const LITERAL: u64 = 8;

pub(in crate::decode) fn template<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let Some(template) = &reader.layout.structs.template_object else {
        return Ok(());
    };
    let count = reader.cache.u64(object.offset(template.ob_size))?;
    let count = count.min(MAX_ITEMS);
    reader.spend(object, count * ITEM / 8)?;
    for i in 0..count {
        let at = object.offset(template.items + i * ITEM + LITERAL);
        let literal = reader.cache.pointer(at)?;
        sink.own(literal, Step::Numbered(i as usize));
    }
    Ok(())
}
