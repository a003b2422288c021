//! What mimalloc's segments hold, of whatever heap and sort of memory.

use super::{Heaps, Search, candidates};
use crate::census::{CensusPlace, Taken, add};
use crate::mimalloc::Finds;
use exuvia_cpython::mimalloc::{Mimalloc as Offsets, SLICE};
use exuvia_memory::{Memory, PageCache};
use exuvia_snapshot::{Mimalloc, Portion};

/// Bytes of the target at hand.
const CACHE: usize = 1 << 20;

/// Counts segments, pages and blocks; none where there is no segment.
pub(crate) fn census<M: Memory>(
    memory: &M,
    place: &CensusPlace<'_>,
    mimalloc: Offsets<'_>,
    taken: &mut Taken,
) -> Option<Mimalloc> {
    let search = Search {
        mimalloc,
        heaps: &Heaps::default(),
        ob_gc_bits: 0,
        ob_ref_local: 0,
        debug_head: 0,
        claims: &[],
    };
    let mut cache = PageCache::new(memory, CACHE);
    let mut found = Mimalloc::default();
    for at in candidates(place.anonymous) {
        if (place.cancelled)() {
            return None;
        }
        // Its diagnostics are those of the search for objects.
        let mut finds = Finds::default();
        let Some(slices) = search.pages(&mut cache, at, &mut finds, |page| {
            found.pages += 1;
            found.blocks += page.used;
            found.used = found.used.saturating_add(page.used * page.block_size);
            let free = page.blocks.saturating_sub(page.used);
            found.free = found.free.saturating_add(free * page.block_size);
        }) else {
            continue;
        };
        let range = at.get()..at.get().saturating_add(slices.saturating_mul(SLICE));
        let portion: Portion = place.portion(&range);
        found.segments += 1;
        add(&mut found.memory, portion);
        taken.push(range);
    }
    (found.segments > 0).then_some(found)
}
