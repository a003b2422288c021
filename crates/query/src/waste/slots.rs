//! Instances that would be smaller if their class had `__slots__`.

use super::contents::Contents;
use super::layout::{Layout, basicsize};
use super::{SlotsSaving, Sums, WasteSort, live};
use crate::Heap;
use exuvia_graph::BitSet;
use exuvia_snapshot::{KindShape, ObjectId, Relation, Snapshot, TypeFlags, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};

/// A class whose instances have more attributes than this, taken together, uses them as a mapping.
const MOST_SLOTS: usize = 64;
/// What an instance can have beside `object`'s part: a dictionary and weak references.
const POINTERS: u64 = 16;

/// The instances of a class.
#[derive(Default)]
struct Instances {
    count: u64,
    bytes: u64,
    names: FxHashSet<ObjectId>,
    dicts: Vec<ObjectId>,
    has_attributes: bool,
    is_mapping: bool,
}

/// Finds classes, those that save most first, and the dictionaries that their instances would not
/// have any more.
pub(super) fn find(
    heap: &Heap,
    layout: &Layout,
    contents: &Contents,
    sums: &mut Sums,
) -> (Vec<SlotsSaving>, BitSet) {
    let snapshot = heap.snapshot();
    let mut counted = BitSet::new(snapshot.objects.len());
    let Some(object) = layout.object else {
        return (Vec::new(), counted);
    };
    let can_have: Vec<bool> = (0..snapshot.types.len())
        .map(|place| can_have_slots(snapshot, object, TypeId(place as u32)))
        .collect();
    let mut classes: FxHashMap<TypeId, Instances> = FxHashMap::default();
    for id in live(heap) {
        let kind = snapshot.kind(id);
        if can_have[kind.type_id.index()] {
            let class = classes.entry(kind.type_id).or_default();
            class.add(heap, contents, id);
        }
    }
    let mut rows = Vec::new();
    for (type_id, class) in classes {
        let slots = class.names.len() as u64;
        let own = layout.head() + basicsize(snapshot, object) + slots * 8;
        let with_slots = layout.block(own);
        let wasted = class
            .bytes
            .saturating_sub(class.count.saturating_mul(with_slots));
        if wasted == 0 || class.is_mapping || !class.has_attributes {
            continue;
        }
        sums.add(WasteSort::Slots, class.count, wasted);
        for dict in class.dicts {
            counted.insert(dict);
        }
        rows.push(SlotsSaving {
            kind: heap.type_names().shown(type_id).to_owned(),
            count: class.count,
            slots,
            now: class.bytes / class.count.max(1),
            with_slots,
            wasted,
        });
    }
    rows.sort_by(|a, b| b.wasted.cmp(&a.wasted).then_with(|| a.kind.cmp(&b.kind)));
    (rows, counted)
}

/// Whether a class is made of Python classes alone, which have no slots yet: those of a class with
/// parts in C can't be told from its own.
fn can_have_slots(snapshot: &Snapshot, object: TypeId, type_id: TypeId) -> bool {
    let types = &snapshot.types;
    let of = &types[type_id.index()];
    let is_plain = of.itemsize == 0 && of.basicsize <= basicsize(snapshot, object) + POINTERS;
    let mut next = Some(type_id);
    while let Some(one) = next.filter(|&one| one != object) {
        if !types[one.index()].flags.contains(TypeFlags::HEAP) {
            return false;
        }
        next = types[one.index()].base;
    }
    is_plain && type_id != object && next == Some(object)
}

impl Instances {
    fn add(&mut self, heap: &Heap, contents: &Contents, id: ObjectId) {
        let snapshot = heap.snapshot();
        self.count += 1;
        self.add_bytes(snapshot, id);
        for reference in snapshot.references.of(id) {
            match reference.relation {
                Relation::InlineAttribute(name) => self.add_name(contents, name),
                Relation::InstanceDict => self.add_dict(heap, contents, reference.target),
                _ => {}
            }
        }
    }

    fn add_bytes(&mut self, snapshot: &Snapshot, id: ObjectId) {
        let bytes = snapshot.objects.allocated[id.index()];
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn add_name(&mut self, contents: &Contents, name: ObjectId) {
        self.has_attributes = true;
        self.names.insert(contents.first(name));
        if self.names.len() > MOST_SLOTS {
            self.is_mapping = true;
            self.names.clear();
        }
    }

    fn add_dict(&mut self, heap: &Heap, contents: &Contents, dict: ObjectId) {
        let snapshot = heap.snapshot();
        // Another object may have it for its own as well, or keep it.
        let is_own = matches!(snapshot.kind(dict).shape, KindShape::DictOf(_))
            && snapshot.objects.refcount[dict.index()] == 1;
        if !is_own {
            self.is_mapping = true;
            return;
        }
        self.add_bytes(snapshot, dict);
        self.dicts.push(dict);
        for reference in snapshot.references.of(dict) {
            if let Relation::Value(key) = reference.relation {
                self.add_name(contents, key);
            }
        }
    }
}
