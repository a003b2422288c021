//! Memory that a program spends without need: equal contents kept several times, room that is not
//! used, instances with a dictionary each, numbers in boxes.

mod boxed;
mod contents;
mod duplicates;
mod holders;
mod layout;
mod slots;
mod spare;
mod tables;

use crate::Heap;
use contents::Contents;
use exuvia_snapshot::{ObjectFlags, ObjectId, ValuesKept};
use layout::Layout;
use serde::Serialize;

/// What could be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WasteReport {
    /// Bytes that could be saved in all; what could be saved in two ways counts once.
    pub bytes: u64,
    /// Bytes of all live objects, as `sys.getsizeof` counts them.
    pub size: u64,
    /// The sums of each sort of waste, the largest first.
    pub sums: Vec<WasteSum>,
    /// Contents that several objects have, those that waste most first.
    pub duplicates: Rows<Duplicate>,
    /// Containers with room that is not used, those that waste most first.
    pub spare: Rows<SpareRoom>,
    /// Classes whose instances would be smaller with `__slots__`, those that save most first.
    pub slots: Rows<SlotsSaving>,
    /// Lists of numbers that an array would hold, those that save most first.
    pub boxed: Rows<BoxedNumbers>,
    /// Strings and bytes of which the snapshot has only the beginning, and no digest: whether
    /// they are duplicates is not known.
    pub not_compared: u64,
    /// Whether contents were kept. Without them, no duplicates are found.
    pub has_contents: bool,
}

/// The first of several rows, and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rows<T> {
    /// How many there are.
    pub total: u64,
    /// The first of them.
    pub first: Vec<T>,
}

/// A sort of waste.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WasteSort {
    /// Equal `str`s.
    DuplicateStrings,
    /// Equal `bytes`.
    DuplicateBytes,
    /// Tuples of the same or equal items.
    DuplicateTuples,
    /// Room in `dict`s that a copy would not have.
    SpareDicts,
    /// The same in `set`s and `frozenset`s.
    SpareSets,
    /// The same in `list`s.
    SpareLists,
    /// Instances that would be smaller with `__slots__`.
    Slots,
    /// `int`s in lists.
    BoxedInts,
    /// `float`s in lists.
    BoxedFloats,
}

/// The sum of one sort of waste.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WasteSum {
    /// The sort.
    pub sort: WasteSort,
    /// How many objects: superfluous copies, containers with spare room, instances, lists.
    pub objects: u64,
    /// Bytes that could be saved.
    pub bytes: u64,
}

/// Objects with the same contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// What they are.
    pub sort: WasteSort,
    /// How many have these contents.
    pub count: u64,
    /// Bytes of one of them, the first.
    pub size: u64,
    /// Bytes that all but one take.
    pub wasted: u64,
    /// The contents, shortened.
    pub value: String,
    /// Where the first of them lies.
    pub address: u64,
    /// Who refers to them, most references first.
    pub holders: Vec<WasteHolder>,
}

/// Objects of a kind that refer to some objects in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WasteHolder {
    /// Their kind, or `root`, and the relation: `dict of shop.Item['status']`.
    pub name: String,
    /// How many references.
    pub count: u64,
}

/// Containers of a kind with room that is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpareRoom {
    /// What they are.
    pub sort: WasteSort,
    /// heapy's kind of them.
    pub kind: String,
    /// How many have spare room.
    pub count: u64,
    /// How many of those are nearly empty: less than an eighth of their room is used.
    pub nearly_empty: u64,
    /// Bytes that copies of them would not take.
    pub wasted: u64,
    /// The one that wastes most.
    pub largest: SpareContainer,
}

/// A container with room that is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpareContainer {
    /// Where it lies.
    pub address: u64,
    /// How many items it has.
    pub items: u64,
    /// For how many it has room.
    pub room: u64,
    /// Bytes that a copy of it would not take.
    pub wasted: u64,
    /// Who refers to it, most references first.
    pub holders: Vec<WasteHolder>,
}

/// A class whose instances would be smaller with `__slots__`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlotsSaving {
    /// heapy's kind of the instances.
    pub kind: String,
    /// How many instances there are.
    pub count: u64,
    /// How many slots the class would have: the attributes that some instance has.
    pub slots: u64,
    /// Bytes that the allocators hold for an instance now, on average, with its dictionary.
    pub now: u64,
    /// Bytes that they would hold.
    pub with_slots: u64,
    /// Bytes that all instances together would save.
    pub wasted: u64,
}

/// A list of numbers that an array would hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoxedNumbers {
    /// Whether of `int`s or of `float`s.
    pub sort: WasteSort,
    /// Where it lies.
    pub address: u64,
    /// How many numbers.
    pub items: u64,
    /// Bytes of the list, and of the numbers that only it holds.
    pub now: u64,
    /// Bytes of an `array.array` with 8 bytes for each.
    pub as_array: u64,
    /// Bytes that the array would save.
    pub wasted: u64,
    /// Who refers to it, most references first.
    pub holders: Vec<WasteHolder>,
}

impl WasteReport {
    /// Looks for waste; `top` rows of each sort are told.
    pub(crate) fn of(heap: &Heap, top: usize) -> Self {
        let snapshot = heap.snapshot();
        let layout = Layout::of(snapshot);
        let contents = Contents::of(heap, &layout);
        let mut sums = Sums::default();
        let duplicates = duplicates::find(heap, &layout, &contents, &mut sums);
        let (slots, in_slots) = slots::find(heap, &layout, &contents, &mut sums);
        let boxed = boxed::find(heap, &layout, &mut sums);
        let is_counted = |id: ObjectId| in_slots.contains(id) || boxed.lists.contains(id);
        let spare = spare::find(heap, &layout, &is_counted, &mut sums);

        let mut report = Self {
            bytes: 0,
            size: live(heap).map(|id| snapshot.objects.size[id.index()]).sum(),
            sums: Vec::new(),
            duplicates: duplicates.first(top),
            spare: Rows::first(spare, top),
            slots: Rows::first(slots, top),
            boxed: Rows::first(boxed.rows, top),
            not_compared: contents.not_compared,
            has_contents: snapshot.metadata.capture.values != ValuesKept::None,
        };
        holders::tell(heap, &contents, &mut report);
        report.sums = sums.into_rows();
        report.bytes = report.sums.iter().map(|sum| sum.bytes).sum();
        report
    }
}

/// The live objects, without frames that are none.
fn live(heap: &Heap) -> impl Iterator<Item = ObjectId> + '_ {
    let objects = &heap.snapshot().objects;
    let alive = &heap.liveness().alive;
    let is_real = |id: ObjectId| !objects.flags[id.index()].contains(ObjectFlags::SYNTHETIC);
    objects
        .ids()
        .filter(move |&id| alive.contains(id) && is_real(id))
}

impl<T> Rows<T> {
    /// The first of some rows that are sorted.
    fn first(mut rows: Vec<T>, top: usize) -> Self {
        let total = rows.len() as u64;
        rows.truncate(top);
        Self { total, first: rows }
    }
}

/// Sums of waste by sort.
#[derive(Debug, Default)]
struct Sums(std::collections::BTreeMap<WasteSort, (u64, u64)>);

impl Sums {
    fn add(&mut self, sort: WasteSort, objects: u64, bytes: u64) {
        let sum = self.0.entry(sort).or_default();
        sum.0 += objects;
        sum.1 = sum.1.saturating_add(bytes);
    }

    fn into_rows(self) -> Vec<WasteSum> {
        let rows = self.0.into_iter();
        let mut rows: Vec<_> = rows
            .map(|(sort, (objects, bytes))| WasteSum {
                sort,
                objects,
                bytes,
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.bytes));
        rows
    }
}
