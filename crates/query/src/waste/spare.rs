//! Containers with room that a copy would not have.

use super::layout::Layout;
use super::tables::{DictTable, set_bytes, set_room, set_slots};
use super::{SpareContainer, SpareRoom, Sums, WasteSort, live};
use crate::Heap;
use exuvia_snapshot::{KindId, ObjectId, Relation};
use rustc_hash::FxHashMap;

/// A container of which less than this part is used is nearly empty.
const NEARLY_EMPTY: u64 = 8;

/// A container with room that is not used.
struct Spare {
    sort: WasteSort,
    items: u64,
    room: u64,
    wasted: u64,
}

/// Finds them, by kind, the kinds that waste most first. What `is_counted` says counts elsewhere.
pub(super) fn find(
    heap: &Heap,
    layout: &Layout,
    is_counted: &dyn Fn(ObjectId) -> bool,
    sums: &mut Sums,
) -> Vec<SpareRoom> {
    let snapshot = heap.snapshot();
    let mut rows: FxHashMap<KindId, SpareRoom> = FxHashMap::default();
    for id in live(heap).filter(|&id| !is_counted(id)) {
        let Some(spare) = spare(heap, layout, id).filter(|spare| spare.wasted > 0) else {
            continue;
        };
        sums.add(spare.sort, 1, spare.wasted);
        let is_nearly_empty = spare.items < spare.room.div_ceil(NEARLY_EMPTY);
        let container = SpareContainer {
            address: snapshot.objects.address[id.index()],
            items: spare.items,
            room: spare.room,
            wasted: spare.wasted,
            holders: Vec::new(),
        };
        let kind = snapshot.objects.kind[id.index()];
        let row = rows.entry(kind).or_insert_with(|| SpareRoom {
            sort: spare.sort,
            kind: snapshot.kinds[kind.index()].name.clone(),
            count: 0,
            nearly_empty: 0,
            wasted: 0,
            largest: container.clone(),
        });
        row.count += 1;
        row.nearly_empty += u64::from(is_nearly_empty);
        row.wasted = row.wasted.saturating_add(spare.wasted);
        if container.wasted > row.largest.wasted {
            row.largest = container;
        }
    }
    let mut rows: Vec<_> = rows.into_values().collect();
    rows.sort_by(|a, b| b.wasted.cmp(&a.wasted).then_with(|| a.kind.cmp(&b.kind)));
    rows
}

/// What an object has of spare room; none for what is no container, or whose size is not that of
/// one that is known. An object of a class that inherits from a container has a size of its own.
fn spare(heap: &Heap, layout: &Layout, id: ObjectId) -> Option<Spare> {
    let snapshot = heap.snapshot();
    let type_id = snapshot.kind(id).type_id;
    let of = Some(type_id);
    let size = snapshot.objects.size[id.index()];
    let elsewhere = || size.checked_sub(layout.fixed(snapshot, type_id));
    if of == layout.list {
        let items = count(heap, id, |relation| matches!(relation, Relation::Index(_)));
        let room = elsewhere()? / 8;
        return Some(Spare {
            sort: WasteSort::SpareLists,
            items,
            room,
            wasted: room.checked_sub(items)? * 8,
        });
    }
    if of == layout.dict {
        let items = count(heap, id, |relation| matches!(relation, Relation::Value(_)));
        // One that shares its keys, or has never had an entry, has no table of its own.
        let table = DictTable::of_size(elsewhere()?)?;
        let copy = match items {
            0 => 0,
            _ => table.for_entries(items)?.bytes(),
        };
        let room = table.room();
        return (items <= room).then(|| Spare {
            sort: WasteSort::SpareDicts,
            items,
            room,
            wasted: table.bytes().saturating_sub(copy),
        });
    }
    if of == layout.set || of == layout.frozenset {
        let items = count(heap, id, |relation| matches!(relation, Relation::Member(_)));
        let bytes = elsewhere()?;
        let room = set_room(set_slots(bytes)?);
        return (items <= room).then(|| Spare {
            sort: WasteSort::SpareSets,
            items,
            room,
            wasted: bytes.saturating_sub(set_bytes(items)),
        });
    }
    None
}

fn count(heap: &Heap, id: ObjectId, is_item: impl Fn(Relation) -> bool) -> u64 {
    let references = heap.snapshot().references.of(id);
    references.filter(|one| is_item(one.relation)).count() as u64
}
