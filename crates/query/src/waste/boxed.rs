//! Numbers in lists, each an object of its own, that an array would hold.

use super::layout::{Layout, basicsize};
use super::{BoxedNumbers, Sums, WasteSort, live};
use crate::Heap;
use exuvia_graph::BitSet;
use exuvia_snapshot::{ObjectId, Relation};

/// Shorter lists are not worth a thought.
const LEAST: u64 = 32;
/// Bytes of the digits of an `int` that surely fits into 64 bits: two of 30 bits each.
const DIGITS: u64 = 8;
/// Bytes of a number in an array.
const ITEM: u64 = 8;

/// Lists of numbers.
pub(super) struct Boxed {
    /// Those that save most first.
    pub(super) rows: Vec<BoxedNumbers>,
    /// All of them.
    pub(super) lists: BitSet,
}

pub(super) fn find(heap: &Heap, layout: &Layout, sums: &mut Sums) -> Boxed {
    let snapshot = heap.snapshot();
    let mut boxed = Boxed {
        rows: Vec::new(),
        lists: BitSet::new(snapshot.objects.len()),
    };
    for id in live(heap).filter(|&id| layout.list == Some(snapshot.kind(id).type_id)) {
        if let Some(row) = row(heap, layout, id) {
            sums.add(row.sort, 1, row.wasted);
            boxed.lists.insert(id);
            boxed.rows.push(row);
        }
    }
    boxed
        .rows
        .sort_by_key(|row| (std::cmp::Reverse(row.wasted), row.address));
    boxed
}

/// The row of a list, if it has nothing but numbers of one type and an array would be smaller.
fn row(heap: &Heap, layout: &Layout, list: ObjectId) -> Option<BoxedNumbers> {
    let snapshot = heap.snapshot();
    let objects = &snapshot.objects;
    let largest_int = layout
        .int
        .map_or(0, |int| basicsize(snapshot, int) + DIGITS);
    let mut items = 0;
    let mut now = objects.size[list.index()];
    let mut of = None;
    for reference in snapshot.references.of(list) {
        if !matches!(reference.relation, Relation::Index(_)) {
            continue;
        }
        let number = reference.target.index();
        let type_id = Some(snapshot.kind(reference.target).type_id);
        let fits = type_id == layout.float
            || (type_id == layout.int && objects.size[number] <= largest_int);
        if !fits || *of.get_or_insert(type_id) != type_id {
            return None;
        }
        items += 1;
        // What others hold as well stays.
        if objects.refcount[number] == 1 {
            now = now.saturating_add(objects.size[number]);
        }
    }
    let as_array = layout.empty_array(snapshot) + items * ITEM;
    let wasted = now.checked_sub(as_array).filter(|&wasted| wasted > 0)?;
    (items >= LEAST).then(|| BoxedNumbers {
        sort: match of == Some(layout.float) {
            true => WasteSort::BoxedFloats,
            false => WasteSort::BoxedInts,
        },
        address: objects.address[list.index()],
        items,
        now,
        as_array,
        wasted,
        holders: Vec::new(),
    })
}
