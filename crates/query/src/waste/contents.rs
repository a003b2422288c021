//! Which objects have the same contents.

use super::layout::Layout;
use crate::Heap;
use exuvia_snapshot::{ObjectId, Relation, TypeId, ValueForm};
use std::collections::HashMap;

/// The type of an object, and as much of its contents as is known: what was kept, in which form,
/// and the digest of the whole.
type Value<'a> = (TypeId, ValueForm, &'a [u8], Option<u64>);

/// For each object, the first with the same contents; an object of which nothing is known, or that
/// can change, is its own first.
pub(super) struct Contents {
    first: Vec<u32>,
    /// Strings and bytes of which only the beginning is known.
    pub(super) not_compared: u64,
}

impl Contents {
    pub(super) fn of(heap: &Heap, layout: &Layout) -> Self {
        let mut contents = Self {
            first: (0..heap.snapshot().objects.len() as u32).collect(),
            not_compared: 0,
        };
        contents.add_values(heap, layout);
        contents.add_tuples(heap, layout);
        contents
    }

    /// The first object with the same contents.
    pub(super) fn first(&self, id: ObjectId) -> ObjectId {
        ObjectId(self.first[id.index()])
    }

    fn add_values(&mut self, heap: &Heap, layout: &Layout) {
        let snapshot = heap.snapshot();
        let types = [layout.str, layout.bytes, layout.int, layout.float];
        // The target has chosen the contents: a hash that it can foresee would not do.
        let mut known: HashMap<Value<'_>, u32> = HashMap::new();
        for (id, value) in snapshot.values.iter() {
            let type_id = snapshot.kind(id).type_id;
            if !types.contains(&Some(type_id)) {
                continue;
            }
            let is_start = matches!(value.form, ValueForm::TextStart | ValueForm::BytesStart);
            let digest = snapshot.digests.get(id).filter(|_| is_start);
            if is_start && digest.is_none() {
                self.not_compared += 1;
                continue;
            }
            let key = (type_id, value.form, value.bytes, digest);
            self.first[id.index()] = *known.entry(key).or_insert(id.0);
        }
    }

    /// Tuples are the same when their items are, which may be tuples themselves.
    fn add_tuples(&mut self, heap: &Heap, layout: &Layout) {
        let snapshot = heap.snapshot();
        let objects = &snapshot.objects;
        let is_tuple = |id: ObjectId| layout.tuple == Some(snapshot.kind(id).type_id);
        let mut known: HashMap<Box<[u32]>, u32> = HashMap::new();
        // Of each object whether it has been come to.
        let mut is_seen = vec![false; objects.len()];
        let mut waiting = Vec::new();
        for id in objects.ids().filter(|&id| is_tuple(id)) {
            waiting.push((id, 0));
            while let Some((tuple, at)) = waiting.pop() {
                if at == 0 && std::mem::replace(&mut is_seen[tuple.index()], true) {
                    // Done, or one that contains itself, and is like no other.
                    continue;
                }
                let items = snapshot.references.range(tuple);
                let next = items.clone().skip(at).find(|&place| {
                    let item = snapshot.references.targets()[place];
                    is_tuple(item) && !is_seen[item.index()]
                });
                if let Some(place) = next {
                    waiting.push((tuple, place - items.start + 1));
                    waiting.push((snapshot.references.targets()[place], 0));
                } else if let Some(key) = self.key(heap, layout, tuple) {
                    self.first[tuple.index()] = *known.entry(key).or_insert(tuple.0);
                }
            }
        }
    }

    /// What the items of a tuple are; none where not all are known.
    fn key(&self, heap: &Heap, layout: &Layout, tuple: ObjectId) -> Option<Box<[u32]>> {
        let snapshot = heap.snapshot();
        let size = snapshot.objects.size[tuple.index()];
        let fixed = layout.fixed(snapshot, layout.tuple?);
        let count = size.checked_sub(fixed)? / 8;
        let references = snapshot.references.of(tuple);
        let items = references.filter(|one| matches!(one.relation, Relation::Index(_)));
        let key: Box<[u32]> = items.map(|item| self.first[item.target.index()]).collect();
        (key.len() as u64 == count).then_some(key)
    }
}
