//! The heaps of glibc's allocator, chunk by chunk (`malloc/malloc.c`, `malloc/arena.c`).
//!
//! Chunks lie one behind the other, each with its size, and a bit that says whether the one before
//! it is in use. The first arena has its heap from `brk`; the others have theirs at multiples of
//! 64 MiB, where a `heap_info` stands at the start.

use super::{CensusPlace, Taken, add, word};
use exuvia_memory::{Memory, PageCache, RemoteAddress};
use exuvia_snapshot::{GlibcHeaps, Portion};
use std::ops::Range;

/// `HEAP_MAX_SIZE`: where the heaps of other arenas begin.
const HEAP_ALIGNMENT: u64 = 64 << 20;
/// Flags in the size of a chunk: `PREV_INUSE`, and all of them.
const PREVIOUS_IN_USE: u64 = 1;
const FLAGS: u64 = 7;
/// The smallest chunk, and the step of sizes.
const SMALLEST: u64 = 32;
const STEP: u64 = 16;
const PAGE: u64 = 4096;
/// Bytes of `struct malloc_chunk`, which `malloc_trim` leaves at the start of a free chunk.
const CHUNK_HEAD: u64 = 48;
/// Where the first chunk of the heap of `brk` is looked for: other code may have had the start.
const HEAP_START: u64 = 64 << 10;
/// Where the first chunk of another heap can lie: behind a `heap_info`, which grew in glibc 2.35,
/// and in the first heap of an arena behind that and a `malloc_state`.
const FIRST_CHUNKS: [u64; 4] = [0x20, 0x30, 0x8c0, 0x8d0];
/// Bytes of the target at hand.
const CACHE: usize = 1 << 20;
/// How many chunks are gone through between two looks whether to stop.
const LOOK: u64 = 1 << 16;

/// Goes through the heaps of all arenas.
pub(super) fn count<M: Memory>(
    memory: &M,
    place: &CensusPlace<'_>,
    taken: &mut Taken,
) -> GlibcHeaps {
    let mut found = GlibcHeaps::default();
    let mut walk = Walk {
        cache: PageCache::new(memory, CACHE),
        place,
    };
    if let Some(heap) = place.heap {
        walk.main(heap, &mut found);
        taken.push(heap.clone());
    }
    for area in place.anonymous {
        let first = area.start.next_multiple_of(HEAP_ALIGNMENT);
        let mut at = first;
        while at < area.end && !(place.cancelled)() {
            if let Some(heap) = heap_at(memory, at, area.end) {
                walk.other(&heap, &mut found);
                taken.push(heap);
            }
            at += HEAP_ALIGNMENT;
        }
    }
    found
}

/// The heap of another arena whose `heap_info` lies at an address, if one does.
fn heap_at<M: Memory>(memory: &M, at: u64, end: u64) -> Option<Range<u64>> {
    let field = |index: u64| word(memory, at + index * 8);
    let (arena, previous) = (field(0)?, field(1)?);
    let (size, protected) = (field(2)?, field(3)?);
    // The arena lies in its first heap, right behind the head of that.
    let is_first = matches!(arena.checked_sub(at), Some(0x20 | 0x30));
    let arena_heap = arena & !(HEAP_ALIGNMENT - 1);
    let is_later = previous != 0
        && previous.is_multiple_of(HEAP_ALIGNMENT)
        && matches!(arena.checked_sub(arena_heap), Some(0x20 | 0x30));
    let fits = size >= PAGE
        && size.is_multiple_of(PAGE)
        && size <= protected
        && protected <= HEAP_ALIGNMENT
        && at.checked_add(size)? <= end;
    (fits && ((is_first && previous == 0) || is_later)).then(|| at..at + size)
}

struct Walk<'a, M> {
    cache: PageCache<&'a M>,
    place: &'a CensusPlace<'a>,
}

/// What lies in one heap.
#[derive(Default)]
struct Chunks {
    used: Portion,
    free: Portion,
    top: Portion,
    trimmable: u64,
    top_trimmable: u64,
}

impl<M: Memory> Walk<'_, M> {
    /// The heap of `brk`.
    fn main(&mut self, heap: &Range<u64>, found: &mut GlibcHeaps) {
        found.heaps += 1;
        add(&mut found.memory, self.place.portion(heap));
        let limit = heap.end.min(heap.start.saturating_add(HEAP_START));
        let mut at = heap.start;
        while at < limit {
            if let Some(chunks) = self.chunks(&(at..heap.end)) {
                found.trimmable += chunks.top_trimmable;
                self.keep(chunks, found);
                return;
            }
            at += STEP;
        }
    }

    /// The heap of another arena; its top stays when memory is trimmed.
    fn other(&mut self, heap: &Range<u64>, found: &mut GlibcHeaps) {
        found.heaps += 1;
        add(&mut found.memory, self.place.portion(heap));
        let mut starts = FIRST_CHUNKS.iter().map(|offset| heap.start + offset);
        if let Some(chunks) = starts.find_map(|start| self.chunks(&(start..heap.end))) {
            self.keep(chunks, found);
        }
    }

    fn keep(&self, chunks: Chunks, found: &mut GlibcHeaps) {
        add(&mut found.used, chunks.used);
        add(&mut found.free, chunks.free);
        add(&mut found.top, chunks.top);
        found.trimmable += chunks.trimmable;
    }

    fn size_word(&mut self, chunk: u64) -> Option<u64> {
        self.cache.u64(RemoteAddress::new(chunk + 8)).ok()
    }

    /// Follows the chunks from the first to the end of the heap; none where they don't lead there.
    fn chunks(&mut self, heap: &Range<u64>) -> Option<Chunks> {
        let mut chunks = Chunks::default();
        let mut at = heap.start;
        let mut count = 0u64;
        let mut size = self.size_word(at)?;
        if size & PREVIOUS_IN_USE == 0 {
            return None;
        }
        loop {
            let bytes = size & !FLAGS;
            let end = at.checked_add(bytes)?;
            // What a heap that is full ends with: an empty chunk, and one of a size that is too
            // small, which keep neighbours apart.
            if bytes < SMALLEST && heap.end - at <= SMALLEST && at > heap.start {
                return Some(chunks);
            }
            if bytes < SMALLEST || !bytes.is_multiple_of(STEP) || end > heap.end {
                return None;
            }
            if end == heap.end {
                let portion = self.place.portion(&(at..end));
                add(&mut chunks.top, portion);
                chunks.top_trimmable += self.whole_pages(at..end);
                return Some(chunks);
            }
            let next = self.size_word(end)?;
            let portion = self.place.portion(&(at..end));
            if next & PREVIOUS_IN_USE != 0 {
                add(&mut chunks.used, portion);
            } else {
                add(&mut chunks.free, portion);
                chunks.trimmable += self.whole_pages(at..end);
            }
            count += 1;
            if count.is_multiple_of(LOOK) && (self.place.cancelled)() {
                return None;
            }
            (at, size) = (end, next);
        }
    }

    /// What of the whole pages in a free chunk is in RAM.
    fn whole_pages(&self, chunk: Range<u64>) -> u64 {
        let start = (chunk.start + CHUNK_HEAD).next_multiple_of(PAGE);
        let end = chunk.end & !(PAGE - 1);
        match start < end {
            true => (self.place.resident)(&(start..end)),
            false => 0,
        }
    }
}
