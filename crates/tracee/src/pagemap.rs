use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use exuvia_memory::PAGE_SIZE;

/// Which pages of a private anonymous mapping exist, from `/proc/PID/pagemap`.
///
/// Asked for in chunks of 2 MiB, once each: an entry is 8 bytes, so a chunk is one read of a
/// page. Right only while the memory does not change: for a clone, or a frozen process.
#[derive(Debug)]
pub(crate) struct ExistingPages {
    /// The number of the first chunk: its address divided by the size of a chunk.
    first: u64,
    chunks: Box<[OnceLock<Chunk>]>,
}

/// A bit for each page.
type Chunk = [u64; PAGES / 64];

/// Pages in a chunk.
const PAGES: usize = 512;
const CHUNK_SIZE: u64 = (PAGES * PAGE_SIZE) as u64;

impl ExistingPages {
    /// For the mapping `start..end`. `None` for one that is so large (a terabyte: shadow
    /// memory of a sanitizer) that even the list of its chunks would be in the way.
    pub(crate) fn new(start: u64, end: u64) -> Option<Self> {
        const LIMIT: u64 = 1 << 19;
        let first = start / CHUNK_SIZE;
        let count = end.checked_sub(1)? / CHUNK_SIZE + 1 - first;
        if count > LIMIT {
            return None;
        }
        let chunks = (0..count).map(|_| OnceLock::new()).collect();
        Some(Self { first, chunks })
    }

    /// A bit for each of the eight pages from `address`, a multiple of eight pages within the
    /// mapping. All are set when the kernel does not tell.
    #[inline]
    pub(crate) fn of_block(&self, address: u64, pagemap: &File) -> u8 {
        let number = address / CHUNK_SIZE;
        let Some(chunk) = number
            .checked_sub(self.first)
            .and_then(|index| self.chunks.get(usize::try_from(index).ok()?))
        else {
            return u8::MAX;
        };
        let bits = chunk.get_or_init(|| read_chunk(number, pagemap));
        let page = (address % CHUNK_SIZE) as usize / PAGE_SIZE;
        (bits[page / 64] >> (page % 64)) as u8
    }
}

fn read_chunk(number: u64, pagemap: &File) -> Chunk {
    /// `PM_PRESENT` and `PM_SWAP` of the kernel's `fs/proc/task_mmu.c`.
    const EXISTS: u64 = 1 << 63 | 1 << 62;
    let mut entries = [0; PAGES * 8];
    let mut bits = [0; PAGES / 64];
    if pagemap
        .read_exact_at(&mut entries, number * (PAGES * 8) as u64)
        .is_err()
    {
        return [u64::MAX; PAGES / 64];
    }
    for (page, entry) in entries.as_chunks::<8>().0.iter().enumerate() {
        if u64::from_ne_bytes(*entry) & EXISTS != 0 {
            bits[page / 64] |= 1 << (page % 64);
        }
    }
    bits
}
