//! Who refers to what is wasted, in one pass over all references.

use super::contents::Contents;
use super::{WasteHolder, WasteReport};
use crate::{Heap, relation_text::RelationText};
use exuvia_snapshot::{KindId, ObjectId, Reference, Relation};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// Holders told of each row.
const TOLD: usize = 3;

/// A kind, and a relation whose places are one: all items of a list, all values under equal keys.
type Way = (KindId, u8, u32);

/// How often there is a way, and an example of it.
struct Seen {
    count: u64,
    source: ObjectId,
    relation: Relation,
}

/// Fills in the holders of the rows of a report.
pub(super) fn tell(heap: &Heap, contents: &Contents, report: &mut WasteReport) {
    let snapshot = heap.snapshot();
    let at = |address: u64| snapshot.objects.at(address);
    // By object, the rows that are about it; by the first of a group, the row of the group.
    let mut groups: FxHashMap<ObjectId, usize> = FxHashMap::default();
    let mut singles: FxHashMap<ObjectId, Vec<usize>> = FxHashMap::default();
    let mut rows: Vec<&mut Vec<WasteHolder>> = Vec::new();
    for duplicate in &mut report.duplicates.first {
        if let Some(id) = at(duplicate.address) {
            groups.insert(contents.first(id), rows.len());
            rows.push(&mut duplicate.holders);
        }
    }
    let spare = report.spare.first.iter_mut();
    let spare = spare.map(|row| (row.largest.address, &mut row.largest.holders));
    let boxed = report.boxed.first.iter_mut();
    let boxed = boxed.map(|row| (row.address, &mut row.holders));
    for (address, holders) in spare.chain(boxed) {
        if let Some(id) = at(address) {
            singles.entry(id).or_default().push(rows.len());
            rows.push(holders);
        }
    }
    let mut found: Vec<FxHashMap<Way, Seen>> = Vec::new();
    found.resize_with(rows.len(), FxHashMap::default);
    for source in super::live(heap) {
        for reference in snapshot.references.of(source) {
            let group = groups.get(&contents.first(reference.target));
            let single = singles.get(&reference.target).into_iter().flatten();
            for &row in group.into_iter().chain(single) {
                add(&mut found[row], heap, contents, source, reference);
            }
        }
    }
    for (row, ways) in rows.into_iter().zip(found) {
        *row = named(heap, ways);
    }
}

fn add(
    ways: &mut FxHashMap<Way, Seen>,
    heap: &Heap,
    contents: &Contents,
    source: ObjectId,
    reference: Reference,
) {
    let kind = heap.snapshot().objects.kind[source.index()];
    let (code, operand) = reference.relation.encode();
    let operand = match reference.relation {
        Relation::Value(key) => contents.first(key).0,
        Relation::InlineAttribute(name)
        | Relation::Local(name)
        | Relation::Cell(name)
        | Relation::SuspendedLocal(name) => contents.first(name).0,
        Relation::Attribute(_) | Relation::Interior(_) | Relation::InstanceDict => operand,
        Relation::Index(_)
        | Relation::Key(_)
        | Relation::Numbered(_)
        | Relation::Word(_)
        | Relation::Stack(_)
        | Relation::SuspendedStack(_)
        | Relation::Member(_) => 0,
    };
    let seen = ways.entry((kind, code, operand)).or_insert(Seen {
        count: 0,
        source,
        relation: reference.relation,
    });
    seen.count += 1;
}

/// The most frequent ways, in words.
fn named(heap: &Heap, ways: FxHashMap<Way, Seen>) -> Vec<WasteHolder> {
    let mut ways: Vec<_> = ways.into_iter().collect();
    ways.sort_unstable_by_key(|(way, seen)| (Reverse(seen.count), *way));
    let holder = |(way, seen): &(Way, Seen)| WasteHolder {
        name: {
            let kind = &heap.snapshot().kinds[way.0.index()].name;
            format!("{kind}{}", place(heap, seen))
        },
        count: seen.count,
    };
    ways.iter().take(TOLD).map(holder).collect()
}

/// The relation, without the number of an item.
fn place(heap: &Heap, seen: &Seen) -> String {
    match seen.relation {
        Relation::Index(_) | Relation::Member(_) => "[\u{2026}]".to_owned(),
        Relation::Key(_) => ".keys()".to_owned(),
        Relation::Numbered(_) | Relation::Word(_) => String::new(),
        relation => RelationText::of(heap, seen.source, relation).to_string(),
    }
}
