use crate::{Heap, key_order::KeyOrder};
use exuvia_graph::PathEdge;
use exuvia_snapshot::{NameId, ObjectId, References, Relation};

/// Brings the first `wanted` of an object's references to the front, in heapy's order: by
/// the kind of relation, then by its value; keys of dictionaries by the address of their
/// type first, since heapy compares values of one type only.
///
/// The keys to sort by are large and take time to make, and a dictionary can have millions
/// of entries, so that only those that are wanted are kept.
pub(crate) fn sort(heap: &Heap, edges: &mut [PathEdge], wanted: usize) {
    let references = &heap.snapshot().references;
    let key = |edge: &PathEdge| -> SortKey<'_> {
        let relation = references.get(edge.place as usize).relation;
        (order(heap, relation), edge.place)
    };
    if edges.len() <= 2 * wanted {
        return match edges.iter().all(|edge| is_item(references, edge)) {
            true => edges.sort_by_key(|edge| references.get(edge.place as usize).relation),
            false => edges.sort_by_cached_key(key),
        };
    }
    let mut first: Vec<(SortKey<'_>, usize)> = Vec::with_capacity(2 * wanted);
    let mut full = false;
    for (index, edge) in edges.iter().enumerate() {
        let key = key(edge);
        if !full || key < first[wanted - 1].0 {
            first.push((key, index));
        }
        if first.len() == 2 * wanted {
            first.sort_unstable();
            first.truncate(wanted);
            full = true;
        }
    }
    first.sort_unstable();
    first.truncate(wanted);
    let first: Vec<usize> = first.into_iter().map(|(_, index)| index).collect();
    bring_to_front(edges, &first);
}

/// What edges are sorted by; the place makes it unique.
type SortKey<'a> = ((u8, Operand<'a>), u32);

/// Whether an edge is an item of a list, whose order is that of its relation alone.
fn is_item(references: &References, edge: &PathEdge) -> bool {
    let relation = references.get(edge.place as usize).relation;
    matches!(relation, Relation::Index(_))
}

/// Puts the edges at some indices first, in their order, and leaves the others as they are.
fn bring_to_front(edges: &mut [PathEdge], first: &[usize]) {
    let chosen: Vec<PathEdge> = first.iter().map(|&index| edges[index]).collect();
    let mut ascending = first.to_vec();
    ascending.sort_unstable();
    // From the back on, so that every edge moves over places that are free already.
    let mut free = edges.len();
    for index in (0..edges.len()).rev() {
        if ascending.last() == Some(&index) {
            ascending.pop();
        } else {
            free -= 1;
            edges[free] = edges[index];
        }
    }
    edges[..chosen.len()].copy_from_slice(&chosen);
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
