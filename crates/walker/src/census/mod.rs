//! What the allocators of a process hold, beside what its objects say.
//!
//! None of it comes from the allocators' own tables, which stripped programs have no names for:
//! blocks, pools, chunks and segments carry heads, and each head is believed only when it agrees
//! with what lies around it.

mod glibc;
mod mapped_blocks;
mod pymalloc;
#[cfg(test)]
mod tests;

use crate::mimalloc;
use exuvia_cpython::Layout;
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_snapshot::{GlibcHeaps, Mimalloc, Portion, Pymalloc};
use std::ops::Range;

/// Where to look, and how.
#[derive(Clone, Copy)]
pub struct CensusPlace<'a> {
    /// What the interpreter looks like.
    pub layout: &'a Layout,
    /// Private memory without a file that can be written, by address.
    pub anonymous: &'a [Range<u64>],
    /// The heap of `brk`, a part of that, where there is one.
    pub heap: Option<&'a Range<u64>>,
    /// Where threads have their stacks: each in memory of its own, but other memory can lie right
    /// behind.
    pub stacks: &'a [Range<u64>],
    /// Whether the C library is glibc, whose heaps are followed.
    pub is_glibc: bool,
    /// How many bytes of some memory are in RAM.
    pub resident: &'a dyn Fn(&Range<u64>) -> u64,
    /// Whether to stop early.
    pub cancelled: &'a dyn Fn() -> bool,
}

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// CPython's allocator of small blocks, where there is an arena.
    pub pymalloc: Option<Pymalloc>,
    /// CPython's allocator in free-threaded builds, where there is a segment.
    pub mimalloc: Option<Mimalloc>,
    /// The heaps of glibc.
    pub glibc: Option<GlibcHeaps>,
    /// The stacks of threads.
    pub stack_memory: Portion,
}

/// Counts what the allocators of a process hold.
pub fn census<M: Memory>(memory: &M, place: &CensusPlace<'_>) -> Census {
    let mut taken = Taken::default();
    let pymalloc = place
        .layout
        .pymalloc()
        .and_then(|sizes| pymalloc::count(memory, place, sizes, &mut taken));
    let mimalloc = place
        .layout
        .mimalloc()
        .ok()
        .and_then(|offsets| mimalloc::census(memory, place, offsets, &mut taken));
    let glibc = place.is_glibc.then(|| {
        let mut heaps = glibc::count(memory, place, &mut taken);
        mapped_blocks::count(memory, place, &taken, &mut heaps);
        heaps
    });
    let mut stack_memory = Portion::default();
    for part in taken.free_parts(place.stacks) {
        add(&mut stack_memory, place.portion(&part));
    }
    Census {
        stack_memory,
        pymalloc,
        mimalloc,
        glibc,
    }
}

/// Memory of which it is known whose it is.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    ranges: Vec<Range<u64>>,
}

impl Taken {
    pub(crate) fn push(&mut self, range: Range<u64>) {
        self.ranges.push(range);
    }

    /// The parts of memory that nobody has taken, by address.
    fn free_parts(&self, of: &[Range<u64>]) -> Vec<Range<u64>> {
        let mut taken = self.ranges.clone();
        taken.sort_unstable_by_key(|range| range.start);
        let mut parts = Vec::new();
        for range in of {
            let mut start = range.start;
            let first = taken.partition_point(|one| one.start < range.start);
            // One that begins before may reach into it.
            for one in &taken[first.saturating_sub(1)..] {
                if one.start >= range.end {
                    break;
                }
                if start < one.start {
                    parts.push(start..one.start);
                }
                start = start.max(one.end);
            }
            if start < range.end {
                parts.push(start..range.end);
            }
        }
        parts
    }
}

impl CensusPlace<'_> {
    /// A range with what of it is in RAM.
    pub(crate) fn portion(&self, range: &Range<u64>) -> Portion {
        Portion {
            bytes: range.end.saturating_sub(range.start),
            resident: (self.resident)(range),
        }
    }
}

/// Adds memory to some.
pub(crate) fn add(portion: &mut Portion, more: Portion) {
    portion.bytes = portion.bytes.saturating_add(more.bytes);
    portion.resident = portion.resident.saturating_add(more.resident);
}

/// A word of the target.
fn word<M: Memory>(memory: &M, address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    memory
        .read_exact(RemoteAddress::new(address), &mut bytes)
        .ok()?;
    Some(u64::from_le_bytes(bytes))
}
