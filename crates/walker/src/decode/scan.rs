//! Objects of types that no table describes: every word that leads to a known object.

use crate::reader::{Reader, pointer_in};
use crate::sink::{Hold, Sink, Step};
use crate::types::{DictPlacement, TypeInfo};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The largest part of an object that is scanned.
const MAX_BYTES: u64 = 4096;

pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let end = info.basicsize.min(MAX_BYTES);
    // After the reference count and the type.
    let start = reader.layout.structs.py_object.size;
    if end <= start {
        return Ok(());
    }
    let words = reader
        .cache
        .bytes(object.offset(start), (end - start) as usize)?;
    for at in (0..words.len() as u64 / 8).map(|word| word * 8) {
        let offset = start + at;
        let is_known = info.fields.iter().any(|field| field.offset == offset)
            || info.dict == DictPlacement::At(offset)
            || info.weaklistoffset == offset;
        if is_known {
            continue;
        }
        let target = pointer_in(&words, at);
        if target != object {
            // Whether the object owns it can't be told; taking it as owned keeps what it
            // leads to reachable.
            let step = Step::Word((offset / 8) as usize);
            sink.refer_by_word(reader, target, step, Hold::Owned);
        }
    }
    Ok(())
}
