//! Blocks that glibc maps one by one, because they are large.

use super::{CensusPlace, Taken, add, word};
use exuvia_memory::Memory;
use exuvia_snapshot::GlibcHeaps;

const PAGE: u64 = 4096;
/// `IS_MMAPPED`, without the other two flags.
const MAPPED: u64 = 2;
const FLAGS: u64 = 7;
/// Bytes of the head of a chunk: `CHUNK_HDR_SZ`.
const HEAD: u64 = 16;
/// How many pages are looked at between two looks whether to stop.
const LOOK: u64 = 1 << 16;

/// Looks at each page that is nobody else's, and counts those that begin such a block: a chunk
/// with nothing before it, whose size is one of whole pages. Later versions of glibc do not count
/// the chunk's head in that size.
pub(super) fn count<M: Memory>(
    memory: &M,
    place: &CensusPlace<'_>,
    taken: &Taken,
    found: &mut GlibcHeaps,
) {
    let mut looked = 0u64;
    for area in taken.free_parts(place.anonymous) {
        let mut at = area.start.next_multiple_of(PAGE);
        while at < area.end {
            looked += 1;
            if looked.is_multiple_of(LOOK) && (place.cancelled)() {
                return;
            }
            let end = size_of_block(memory, place, at).and_then(|size| at.checked_add(size));
            match end {
                Some(end) if end <= area.end => {
                    found.mapped_blocks += 1;
                    add(&mut found.mapped, place.portion(&(at..end)));
                    at = end;
                }
                _ => at += PAGE,
            }
        }
    }
}

/// The size of the block that begins with a page, if one does. Its head was written.
fn size_of_block<M: Memory>(memory: &M, place: &CensusPlace<'_>, at: u64) -> Option<u64> {
    if (place.resident)(&(at..at + 16)) == 0 || word(memory, at)? != 0 {
        return None;
    }
    let size = word(memory, at + 8)?;
    let bytes = size & !FLAGS;
    if size & FLAGS != MAPPED || bytes == 0 {
        return None;
    }
    let sizes = [Some(bytes), bytes.checked_add(HEAD)];
    let whole = |size: &u64| size.is_multiple_of(PAGE);
    sizes.into_iter().flatten().find(whole)
}
