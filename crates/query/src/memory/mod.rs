//! Where the memory of a process is: rows that add up to what is in RAM.

mod mappings;
mod objects;

use crate::{Extent, Heap};
use exuvia_snapshot::{CaptureMode, MemoryFacts};
use mappings::{MappingClass, Sum, Sums};
use objects::ObjectMemory;
use serde::Serialize;

/// Where the memory of a process is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemoryReport<'a> {
    /// Whether the rows are what is in RAM. Of a core they are what it has of the process's
    /// memory.
    pub is_resident: bool,
    /// All of it, in bytes: the sum of the rows.
    pub total: u64,
    /// Each page divided by how many processes have it: the sum of that of the rows.
    pub proportional: u64,
    /// Bytes that are swapped out, and in no row.
    pub swapped: u64,
    /// What there is, in the order in which it is printed.
    pub rows: Vec<MemoryRow>,
    /// The live Python objects of each kind, the largest first.
    pub kinds: Vec<KindMemory>,
    /// Bytes that objects and their buffers have been given and that are not in RAM: nobody has
    /// written there yet, or they are swapped out.
    pub not_resident: u64,
    /// What could be given back.
    pub relief: Relief,
    /// What the allocators hold.
    pub allocators: &'a MemoryFacts,
}

/// A part of the memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemoryRow {
    /// What it is.
    pub part: MemoryPart,
    /// Bytes.
    pub bytes: u64,
    /// The same, each page divided by how many processes have it.
    pub proportional: u64,
}

/// What a part of the memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryPart {
    /// Live Python objects, with what the allocators round up for them.
    Objects,
    /// Objects that wait for the garbage collector.
    Garbage,
    /// Buffers that objects of extensions such as numpy, pyarrow and torch keep.
    NativeBuffers,
    /// Blocks of pymalloc that are in use and no part of an object: the interpreter's own.
    PymallocOther,
    /// Free blocks of pymalloc, in pools that have others in use.
    PymallocFree,
    /// Heads of pools, and the ends of pools that are too small for a block.
    PymallocLost,
    /// Free pools, and what of arenas was never a pool.
    PymallocUnused,
    /// Blocks of mimalloc that are in use and no part of an object.
    MimallocOther,
    /// What of mimalloc's segments is not in use.
    MimallocFree,
    /// Blocks of the C allocator that are in use and no part of an object that is known.
    MallocOther,
    /// Free blocks of the C allocator.
    MallocFree,
    /// The free rest of each arena of the C allocator.
    MallocTop,
    /// Stacks of threads.
    Stacks,
    /// The program and its libraries.
    Images,
    /// Other files.
    Files,
    /// Shared memory.
    Shared,
    /// Private memory without a file of which nothing is known.
    Unexplained,
}

/// The live objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindMemory {
    /// heapy's name of it.
    pub name: String,
    /// How many.
    pub count: u64,
    /// Bytes that the allocators hold for them, without native buffers.
    pub bytes: u64,
}

/// What could be given back, or at least used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Relief {
    /// Bytes in RAM that `malloc_trim(0)` would give back to the system; none where that is not
    /// known.
    pub trimmable: Option<u64>,
    /// What a garbage collection would free: objects, and bytes that the allocators hold for
    /// them.
    pub garbage: Extent,
}

/// The snapshot does not say where the memory of its process was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot does not say where the memory of its process was")]
pub struct NoMemoryFacts;

impl<'a> MemoryReport<'a> {
    pub(crate) fn of(heap: &'a Heap) -> Result<Self, NoMemoryFacts> {
        let snapshot = heap.snapshot();
        let facts = snapshot.metadata.memory.as_ref().ok_or(NoMemoryFacts)?;
        let is_resident = snapshot.metadata.capture.mode != CaptureMode::Core;
        let sums = Sums::of(&snapshot.mappings, is_resident);
        let objects = ObjectMemory::of(heap);
        let parts = Parts::of(facts, &sums, &objects);
        let garbage = objects.garbage;
        let rows = parts.rows(&sums);
        let heaps = facts.c.heaps;
        Ok(Self {
            is_resident,
            total: sum(rows.iter().map(|row| row.bytes)),
            proportional: sum(rows.iter().map(|row| row.proportional)),
            swapped: sum(snapshot.mappings.iter().map(|one| one.swapped)),
            rows,
            not_resident: parts.not_resident,
            kinds: objects.kinds,
            relief: Relief {
                trimmable: heaps.map(|heaps| heaps.trimmable),
                garbage,
            },
            allocators: facts,
        })
    }
}

/// The rows of private memory without a file, in bytes.
struct Parts {
    rows: Vec<(MemoryPart, u64)>,
    not_resident: u64,
}

impl Parts {
    fn of(facts: &MemoryFacts, sums: &Sums, objects: &ObjectMemory) -> Self {
        let mut rest = sums.of_class(MappingClass::Anonymous).bytes;
        // What was counted page by page may have changed a little meanwhile, or be a page of zeros
        // that is in nobody's sum: the rows shall add up all the same.
        let mut take = |bytes: u64| {
            let taken = bytes.min(rest);
            rest -= taken;
            taken
        };
        let stacks = take(facts.stack_memory.resident);
        let small = facts.pymalloc.unwrap_or_default();
        let mut small_rest = take(small.memory.resident);
        let mi = facts.mimalloc.unwrap_or_default();
        let mut mi_rest = take(mi.memory.resident);
        let heaps = facts.c.heaps.unwrap_or_default();
        let free = take(heaps.free.resident);
        let top = take(heaps.top.resident);
        let c_free = heaps.free.resident.saturating_add(heaps.top.resident);
        let mut c_rest = take(heaps.memory.resident.saturating_sub(c_free));
        let mut mapped_rest = take(heaps.mapped.resident);
        let mut other = rest;

        let row_of = |from: &mut u64, bytes: u64| {
            let taken = bytes.min(*from);
            *from -= taken;
            taken
        };
        // What is in use comes before what is free.
        let small_used = row_of(&mut small_rest, small.used);
        let mi_used = row_of(&mut mi_rest, mi.used);
        let small_lost = row_of(
            &mut small_rest,
            small.headers.saturating_add(small.rounding),
        );
        let small_free = row_of(&mut small_rest, small.free);
        let (mut small_used, mut mi_used) = (small_used, mi_used);

        // Where the objects are. Free-threaded builds have all blocks in mimalloc, and with
        // PYTHONMALLOC=malloc all are in the C allocator.
        let of_objects = objects.small + objects.large + objects.huge;
        let in_mapped = match facts.mimalloc {
            Some(_) => 0,
            None => objects.huge.min(heaps.mapped.bytes),
        };
        let mut found = 0;
        if facts.mimalloc.is_some() {
            found += row_of(&mut mi_used, of_objects);
        } else {
            let in_pools = row_of(&mut small_used, objects.small);
            found += in_pools + row_of(&mut mapped_rest, in_mapped);
            let others = of_objects - in_pools - in_mapped;
            found += row_of(&mut c_rest, others);
        }
        let missing = of_objects - found;
        // Under another allocator, memory in use is not told apart.
        let is_known = facts.c.heaps.is_some();
        if !is_known {
            found += row_of(&mut other, missing);
        }
        let garbage = objects.garbage.bytes.min(found);

        // Buffers are in the C allocator as far as there is room in it, and else in memory that a
        // library asks the system for.
        let native_mapped = objects.native.min(heaps.mapped.bytes - in_mapped);
        let room = heaps.used.bytes.saturating_sub(objects.large);
        let native_in_c = (objects.native - native_mapped).min(room);
        let elsewhere = objects.native - native_mapped - native_in_c;
        let native = row_of(&mut mapped_rest, native_mapped)
            + row_of(&mut c_rest, native_in_c)
            + row_of(&mut other, elsewhere);

        let rows = vec![
            (MemoryPart::Objects, found - garbage),
            (MemoryPart::Garbage, garbage),
            (MemoryPart::NativeBuffers, native),
            (MemoryPart::PymallocOther, small_used),
            (MemoryPart::PymallocFree, small_free),
            (MemoryPart::PymallocLost, small_lost),
            (MemoryPart::PymallocUnused, small_rest),
            (MemoryPart::MimallocOther, mi_used),
            (MemoryPart::MimallocFree, mi_rest),
            (MemoryPart::MallocOther, c_rest + mapped_rest),
            (MemoryPart::MallocFree, free),
            (MemoryPart::MallocTop, top),
            (MemoryPart::Stacks, stacks),
            (MemoryPart::Unexplained, other),
        ];
        Self {
            rows,
            not_resident: (of_objects + objects.native).saturating_sub(found + native),
        }
    }

    /// All rows, with those of files and shared memory before what is unexplained.
    fn rows(&self, sums: &Sums) -> Vec<MemoryRow> {
        let anonymous = sums.of_class(MappingClass::Anonymous);
        let mut rows: Vec<_> = self
            .rows
            .iter()
            .map(|&(part, bytes)| MemoryRow {
                part,
                bytes,
                proportional: anonymous.share(bytes),
            })
            .collect();
        let others = [
            (MemoryPart::Images, MappingClass::Image),
            (MemoryPart::Files, MappingClass::File),
            (MemoryPart::Shared, MappingClass::Shared),
        ];
        let others = others.map(|(part, class)| {
            let Sum {
                bytes,
                proportional,
            } = sums.of_class(class);
            MemoryRow {
                part,
                bytes,
                proportional,
            }
        });
        let last = rows.len() - 1;
        rows.splice(last..last, others);
        // Each part has been rounded down.
        let shares = sum(self.rows.iter().map(|row| anonymous.share(row.1)));
        if let Some(largest) = rows.iter_mut().max_by_key(|row| match row.part {
            MemoryPart::Images | MemoryPart::Files | MemoryPart::Shared => 0,
            _ => row.bytes,
        }) {
            largest.proportional += anonymous.proportional.saturating_sub(shares);
        }
        rows
    }
}

/// What a snapshot says need not be so: of nonsense the sum is the largest number.
fn sum(parts: impl Iterator<Item = u64>) -> u64 {
    parts.fold(0, u64::saturating_add)
}
