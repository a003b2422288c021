//! Equal contents that several objects have.

use super::contents::Contents;
use super::layout::Layout;
use super::{Duplicate, Sums, WasteSort, live};
use crate::{Heap, limits::Limits, repr::Repr};
use exuvia_snapshot::{ObjectFlags, ObjectId};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// What is known of the objects with some contents.
#[derive(Default)]
struct Group {
    count: u64,
    /// Bytes of all that were allocated, and of the largest of them.
    bytes: u64,
    largest: u64,
    /// Whether one of them is part of the program, and costs nothing.
    has_static: bool,
}

/// A row that is not told in words yet.
pub(super) struct Found<'a> {
    heap: &'a Heap,
    first: ObjectId,
    sort: WasteSort,
    group: Group,
}

pub(super) struct Rows<'a>(Vec<Found<'a>>);

/// Finds duplicates, those that waste most first.
pub(super) fn find<'a>(
    heap: &'a Heap,
    layout: &Layout,
    contents: &Contents,
    sums: &mut Sums,
) -> Rows<'a> {
    let snapshot = heap.snapshot();
    let sort_of = |id: ObjectId| {
        let type_id = Some(snapshot.kind(id).type_id);
        match type_id {
            _ if type_id == layout.str => Some(WasteSort::DuplicateStrings),
            _ if type_id == layout.bytes => Some(WasteSort::DuplicateBytes),
            _ if type_id == layout.tuple => Some(WasteSort::DuplicateTuples),
            _ => None,
        }
    };
    let mut counts = vec![0u32; snapshot.objects.len()];
    for id in live(heap).filter(|&id| sort_of(id).is_some()) {
        counts[contents.first(id).index()] += 1;
    }
    let mut groups: FxHashMap<ObjectId, Group> = FxHashMap::default();
    for id in live(heap).filter(|&id| sort_of(id).is_some()) {
        let first = contents.first(id);
        if counts[first.index()] > 1 {
            let is_static = snapshot.objects.flags[id.index()].contains(ObjectFlags::STATIC);
            let size = snapshot.objects.size[id.index()];
            groups.entry(first).or_default().add(size, is_static);
        }
    }
    let rows = groups.into_iter().filter_map(|(first, group)| {
        let sort = sort_of(first)?;
        sums.add(sort, group.count - 1, group.wasted());
        Some(Found {
            heap,
            first,
            sort,
            group,
        })
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable_by_key(|row| (Reverse(row.group.wasted()), row.first));
    Rows(rows)
}

impl Group {
    fn add(&mut self, size: u64, is_static: bool) {
        self.count += 1;
        self.has_static |= is_static;
        if !is_static {
            self.bytes = self.bytes.saturating_add(size);
            self.largest = self.largest.max(size);
        }
    }

    /// Equal strings can differ in size: one may have its UTF-8 beside it. The largest is kept.
    fn wasted(&self) -> u64 {
        match self.has_static {
            true => self.bytes,
            false => self.bytes - self.largest,
        }
    }
}

impl Rows<'_> {
    /// The first rows, in words.
    pub(super) fn first(self, top: usize) -> super::Rows<Duplicate> {
        super::Rows {
            total: self.0.len() as u64,
            first: self.0.iter().take(top).map(Found::row).collect(),
        }
    }
}

impl Found<'_> {
    fn row(&self) -> Duplicate {
        let objects = &self.heap.snapshot().objects;
        Duplicate {
            sort: self.sort,
            count: self.group.count,
            size: objects.size[self.first.index()],
            wasted: self.group.wasted(),
            value: Repr::new(self.heap, Limits::REPRLIB).of(self.first),
            address: objects.address[self.first.index()],
            holders: Vec::new(),
        }
    }
}
