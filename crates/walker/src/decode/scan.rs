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

/// What to make of the words that an object's own `tp_traverse` did not visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// Only those that nothing else need lead to: they lead to objects which can't be part of
    /// a cycle, texts and numbers, which a `tp_traverse` need not visit; or they belong to a
    /// base that has no `tp_traverse`.
    Likely,
    /// All of them.
    Any,
}

/// Takes words that an object's own `tp_traverse` did not visit.
pub(crate) fn left_out<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    which: LeftOut,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    for (place, target) in words(reader, object, info)? {
        let is_wanted = which == LeftOut::Any
            || info.unseen.contains(&(place as u64 * 8))
            || is_atom(reader, target);
        if is_wanted {
            sink.refer_by_word(reader, target, Step::Word(place), Hold::Owned);
        }
    }
    Ok(())
}

/// Whether an object lies at an address that can't be part of a cycle.
fn is_atom<M: Memory>(reader: &mut Reader<'_, M>, address: RemoteAddress) -> bool {
    !address.is_null()
        && address.is_aligned(8)
        && reader.type_of(address).is_some_and(|info| !info.has_gc())
}

/// The words of an object that no field accounts for and that may be object pointers, each with
/// its place.
pub(crate) fn words<M: Memory>(
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
            || info.weaklistoffset == offset
            || info.opaque.contains(&offset);
        let target = pointer_in(&bytes, at);
        if !is_known && target != object {
            words.push(((offset / 8) as usize, target));
        }
    }
    Ok(words)
}
