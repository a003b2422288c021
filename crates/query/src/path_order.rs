use crate::{Heap, key_order::KeyOrder};
use exuvia_graph::PathEdge;
use exuvia_snapshot::{NameId, ObjectId, Relation};

/// Sorts the references that an object holds as heapy does: by the kind of relation, then by
/// its value; keys of dictionaries by the address of their type first, since heapy compares
/// values of one type only.
pub(crate) fn sort(heap: &Heap, edges: &mut [PathEdge]) {
    let references = &heap.snapshot().references;
    let relation = |edge: &PathEdge| references.get(edge.place as usize).relation;
    let number = |edge: &PathEdge| match relation(edge) {
        Relation::Index(index) => Some((2, index)),
        Relation::Member(index) => Some((9, index)),
        _ => None,
    };
    // The usual case of very many edges: a list or a set, whose order needs no keys.
    if edges.iter().all(|edge| number(edge).is_some()) {
        edges.sort_by_key(|edge| (number(edge), edge.place));
    } else {
        edges.sort_by_cached_key(|edge| (order(heap, relation(edge)), edge.place));
    }
}

/// heapy's number of a kind of relation, and what the value of the relation is compared by.
fn order(heap: &Heap, relation: Relation) -> (u8, Operand<'_>) {
    match relation {
        Relation::Attribute(name) => (1, Operand::Name(field(heap, name), 0)),
        Relation::InlineAttribute(name) => (1, Operand::Name(text(heap, name), 0)),
        Relation::InstanceDict => (1, Operand::Name(b"__dict__", 0)),
        Relation::Index(index) => (2, Operand::Number(index)),
        Relation::Value(key) => (2, Operand::Key(KeyOrder::of(heap, key))),
        Relation::Key(index) => (3, Operand::Number(index)),
        Relation::Interior(name) => (4, Operand::Name(field(heap, name), 0)),
        Relation::Numbered(index) => (4, Operand::Name(b"refs", index)),
        Relation::Word(index) => (4, Operand::Name(b"word", index)),
        Relation::Local(name) | Relation::SuspendedLocal(name) => {
            (6, Operand::Name(text(heap, name), 0))
        }
        Relation::Cell(name) => (7, Operand::Name(text(heap, name), 0)),
        Relation::Stack(index) | Relation::SuspendedStack(index) => (8, Operand::Number(index)),
        Relation::Member(index) => (9, Operand::Number(index)),
    }
}

fn field(heap: &Heap, name: NameId) -> &[u8] {
    heap.snapshot()
        .names
        .get(name.index())
        .map_or(b"", |name| name.as_bytes())
}

fn text(heap: &Heap, object: ObjectId) -> &[u8] {
    heap.snapshot()
        .values
        .get(object)
        .map_or(b"", |value| value.bytes)
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Operand<'a> {
    Number(u32),
    Name(&'a [u8], u32),
    Key(KeyOrder<'a>),
}
