//! What the allocators hold for Python objects.

use super::KindMemory;
use crate::{Extent, Heap};
use exuvia_snapshot::{ObjectFlags, ObjectId, Type, TypeId};

/// pymalloc serves requests up to this size (`SMALL_REQUEST_THRESHOLD`).
const SMALL: u64 = 512;
/// glibc maps blocks from this size on one by one, until it has seen that such blocks come and go
/// (`DEFAULT_MMAP_THRESHOLD`).
const MAPPED: u64 = 128 << 10;
/// What lies before an object that the collector tracks.
const HEAD: u64 = 16;
/// Libraries whose objects keep large buffers in C.
const NATIVE: [&str; 4] = ["numpy", "pyarrow", "torch", "pandas"];

/// Bytes that are held for all objects.
#[derive(Debug, Default)]
pub(super) struct ObjectMemory {
    /// In blocks that are small enough for pymalloc.
    pub(super) small: u64,
    /// In larger blocks.
    pub(super) large: u64,
    /// In blocks so large that the C allocator maps them one by one.
    pub(super) huge: u64,
    /// In buffers of native libraries, which are in none of these.
    pub(super) native: u64,
    /// What of the first three is garbage.
    pub(super) garbage: Extent,
    /// The live objects of each kind, without native buffers.
    pub(super) kinds: Vec<KindMemory>,
}

impl ObjectMemory {
    pub(super) fn of(heap: &Heap) -> Self {
        let snapshot = heap.snapshot();
        let objects = &snapshot.objects;
        let is_native: Vec<bool> = snapshot
            .types
            .iter()
            .map(|one| is_native(&snapshot.types, one))
            .collect();
        let alive = &heap.liveness().alive;
        let mut all = Self::default();
        let mut kinds = vec![Extent::default(); snapshot.kinds.len()];
        for id in objects.ids() {
            let flags = objects.flags[id.index()];
            if flags.contains(ObjectFlags::SYNTHETIC) {
                continue;
            }
            let kind = objects.kind[id.index()];
            let type_id = snapshot.kinds[kind.index()].type_id;
            let held = all.add(heap, id, type_id, is_native[type_id.index()]);
            match alive.contains(id) {
                true => kinds[kind.index()].add(held),
                false => all.garbage.add(held),
            }
        }
        let rows = snapshot.kinds.iter().zip(kinds);
        let rows = rows.filter(|(_, extent)| extent.objects > 0);
        all.kinds = rows
            .map(|(kind, extent)| KindMemory {
                name: kind.name.clone(),
                count: extent.objects,
                bytes: extent.bytes,
            })
            .collect();
        all.kinds
            .sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        all
    }

    /// Adds what an object has, and returns it without native buffers.
    fn add(&mut self, heap: &Heap, id: ObjectId, type_id: TypeId, is_native: bool) -> u64 {
        let snapshot = heap.snapshot();
        let of = &snapshot.types[type_id.index()];
        let allocated = snapshot.objects.allocated[id.index()];
        let own = allocated.min(of.basicsize.saturating_add(HEAD).next_multiple_of(16));
        if is_native {
            self.native = self.native.saturating_add(allocated - own);
            self.add_block(own);
            return own;
        }
        // Items of a fixed size, and the characters of texts, lie in the object's own block; what
        // else an object has, such as the table of a dictionary, is a block elsewhere.
        if of.itemsize > 0 || of.tp_name == "str" {
            self.add_block(allocated);
        } else {
            self.add_block(own);
            self.add_block(allocated - own);
        }
        allocated
    }

    fn add_block(&mut self, bytes: u64) {
        let sum = match bytes {
            0..=SMALL => &mut self.small,
            MAPPED.. => &mut self.huge,
            _ => &mut self.large,
        };
        *sum = sum.saturating_add(bytes);
    }
}

/// Whether a type, or one that it inherits from, is of a library with native buffers. A snapshot's
/// types do not inherit in circles.
fn is_native(types: &[Type], of: &Type) -> bool {
    let mut next = Some(of);
    while let Some(one) = next {
        let library = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let is_of = |name: &str| NATIVE.contains(&library(name).as_str());
        if is_of(&one.module) || (one.tp_name.contains('.') && is_of(&one.tp_name)) {
            return true;
        }
        next = one.base.and_then(|base| types.get(base.index()));
    }
    false
}
