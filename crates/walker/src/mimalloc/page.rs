//! Pages: blocks of one size, less those that are free.

use super::{Finds, Search};
use crate::diagnostics::Trouble;
use crate::marks::Marked;
use crate::owners::Claim;
use exuvia_cpython::gc_bits;
use exuvia_memory::{Fault, Memory, PageCache, RemoteAddress};

/// The lowest bits of a list of blocks that other threads have freed carry flags
/// (`mi_delayed_t`).
const FLAGS: u64 = 3;

/// The blocks of a page that have been in use at least once.
pub(super) struct Area {
    pub(super) first_block: RemoteAddress,
    pub(super) block_size: u64,
    pub(super) blocks: u16,
    /// How many bytes after its block an object begins.
    pub(super) object: u64,
}

impl Search<'_> {
    /// Marks the tracked objects of a page, and returns how many there are. `free` are the
    /// heads of its lists of free blocks.
    pub(super) fn objects<M: Memory>(
        &self,
        cache: &mut PageCache<&M>,
        area: &Area,
        free: [RemoteAddress; 3],
        claim: &Claim<'_>,
        finds: &mut Finds,
    ) -> Result<u64, Fault> {
        let mut is_free = vec![false; usize::from(area.blocks)];
        for head in free {
            if !mark_free(cache, area, head, &mut is_free) {
                finds
                    .diagnostics
                    .count(Trouble::BrokenFreeList, area.first_block);
            }
        }
        let mut found = 0;
        for (place, _) in is_free.iter().enumerate().filter(|(_, is_free)| !**is_free) {
            let block = area.first_block.offset(place as u64 * area.block_size);
            let object = block.offset(area.object);
            let bits = cache.u8(object.offset(self.ob_gc_bits))?;
            if self.heaps.is_freed(block) {
                continue;
            }
            if bits & gc_bits::TRACKED != 0 {
                found += u64::from(claim.mark_tracked(object) == Marked::Now);
            } else if cache.u32(object.offset(self.ob_ref_local))? == u32::MAX {
                finds.immortal.push((claim.owner, object));
            }
        }
        Ok(found)
    }
}

/// Follows one list of free blocks; false if it leads elsewhere, or goes round.
fn mark_free<M: Memory>(
    cache: &mut PageCache<&M>,
    area: &Area,
    head: RemoteAddress,
    is_free: &mut [bool],
) -> bool {
    let mut block = RemoteAddress::new(head.get() & !FLAGS);
    while !block.is_null() {
        let offset = block.get().wrapping_sub(area.first_block.get());
        let place = (offset / area.block_size) as usize;
        // A block is in one of the lists, once.
        match is_free.get_mut(place) {
            Some(is_free) if offset.is_multiple_of(area.block_size) && !*is_free => *is_free = true,
            _ => return false,
        }
        let Ok(next) = cache.pointer(block) else {
            return false;
        };
        block = next;
    }
    true
}
