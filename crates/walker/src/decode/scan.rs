//! Objects of types that no table describes: every word that leads to a known object.

use crate::reader::{Reader, pointer_in};
use crate::sink::{Hold, Sink, Step};
use crate::types::{DictPlacement, TypeInfo};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The largest part of an object that is scanned.
const MAX_BYTES: u64 = 4096;

/// Takes every word for a reference that leads to an object.
pub(crate) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    for (place, target) in words(reader, object, info)? {
        // Whether the object owns it can't be told; taking it as owned keeps what it
        // leads to reachable.
        sink.refer_by_word(reader, target, Step::Word(place), Hold::Owned);
    }
    Ok(())
}

/// Takes the words for references that lead to objects which can't be part of a cycle: texts,
/// numbers. A `tp_traverse` need not visit those, and many leave them out.
pub(crate) fn untraversed<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    for (place, target) in words(reader, object, info)? {
        let is_plausible = !target.is_null() && target.is_aligned(8);
        if is_plausible && reader.type_of(target).is_some_and(|info| !info.has_gc()) {
            sink.refer_by_word(reader, target, Step::Word(place), Hold::Owned);
        }
    }
    Ok(())
}

/// The words of an object that no field accounts for, each with its place.
fn words<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Result<Vec<(usize, RemoteAddress)>, Fault> {
    let end = info.basicsize.min(MAX_BYTES);
    // After the reference count and the type.
    let start = reader.layout.structs.py_object.size;
    if end <= start {
        return Ok(Vec::new());
    }
    let bytes = reader
        .cache
        .bytes(object.offset(start), (end - start) as usize)?;
    let mut words = Vec::with_capacity(bytes.len() / 8);
    for at in (0..bytes.len() as u64 / 8).map(|word| word * 8) {
        let offset = start + at;
        let is_known = info.fields.iter().any(|field| field.offset == offset)
            || info.dict == DictPlacement::At(offset)
            || info.weaklistoffset == offset;
        let target = pointer_in(&bytes, at);
        if !is_known && target != object {
            words.push(((offset / 8) as usize, target));
        }
    }
    Ok(words)
}
