//! The nodes of the immutable mapping behind `contextvars.Context`.

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The most pointers in a node: 32 pairs, and more only where whole hashes collide.
const MAX_POINTERS: u64 = 1 << 16;

pub(super) fn array<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let a = &reader.layout.structs.py_hamt_node_array;
    let (first, count) = (object.offset(a.a_array), a.a_array_length as usize);
    reader.pointers(first, count, |_, i, child| {
        sink.own(child, Step::Numbered(i));
    })
}

pub(super) fn bitmap<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let b = &reader.layout.structs.py_hamt_node_bitmap;
    let (ob_size, b_array) = (b.ob_size, b.b_array);
    pairs(reader, object.offset(ob_size), object.offset(b_array), sink)
}

pub(super) fn collision<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let c = &reader.layout.structs.py_hamt_node_collision;
    let (ob_size, c_array) = (c.ob_size, c.c_array);
    pairs(reader, object.offset(ob_size), object.offset(c_array), sink)
}

/// Pairs of a key and its value; without a key, the value is another node.
fn pairs<M: Memory>(
    reader: &mut Reader<'_, M>,
    ob_size: RemoteAddress,
    first: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let count = reader.cache.u64(ob_size)?.min(MAX_POINTERS) as usize;
    let mut key = RemoteAddress::NULL;
    reader.pointers(first, count, |_, i, item| {
        if i % 2 == 0 {
            key = item;
            sink.own(key, Step::Key(i / 2));
        } else if key.is_null() {
            sink.own(item, Step::Numbered(i / 2));
        } else {
            sink.own(item, Step::Value(key));
        }
    })
}
