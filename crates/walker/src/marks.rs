//! Which addresses are objects: a bitmap over the target's memory.
//!
//! Every object is a bit at its address, in steps of eight bytes. Compared with a hash table
//! of addresses this is an eighth of the memory (24 KiB for each MiB of heap), several
//! threads set bits without a lock, and the rank of a bit is the object's number, so that
//! objects come out sorted by address and a look-up is a count of bits.

use exuvia_memory::RemoteAddress;
use exuvia_snapshot::ObjectId;
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of the target that one chunk of the bitmap stands for.
const CHUNK_BYTES: u64 = 1 << 20;
/// Objects begin at multiples of this: `PyGC_Head`s and allocators align to 16, objects
/// inside the images of programs and in `_PyRuntime` to 8.
const GRANULE: u64 = 8;
const WORDS: usize = (CHUNK_BYTES / GRANULE / 64) as usize;
/// The most chunks that are indexed: 4 TiB of readable private mappings.
const MAX_CHUNKS: usize = 1 << 22;

type Bits = Box<[AtomicU64]>;

/// The bits of one chunk; allocated when the first of them is set.
#[derive(Default)]
struct Chunk {
    start: u64,
    /// Every object.
    marked: OnceLock<Bits>,
    /// The objects that the garbage collector tracks.
    tracked: OnceLock<Bits>,
}

/// The set of objects while they are being found.
pub(crate) struct Marks {
    index: FxHashMap<u64, u32>,
    /// Sorted by `start`.
    chunks: Vec<Chunk>,
}

fn bits() -> Bits {
    (0..WORDS).map(|_| AtomicU64::new(0)).collect()
}

/// The word and the bit within it of an address, relative to its chunk.
const fn place(address: u64) -> (usize, u64) {
    let granule = (address % CHUNK_BYTES) / GRANULE;
    ((granule / 64) as usize, 1 << (granule % 64))
}

impl Marks {
    /// An empty set over the given ranges of memory, in which alone objects can lie.
    pub(crate) fn new(regions: &[Range<u64>]) -> Self {
        let mut numbers: Vec<u64> = regions
            .iter()
            .flat_map(|region| region.start / CHUNK_BYTES..region.end.div_ceil(CHUNK_BYTES))
            .take(MAX_CHUNKS)
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let index = numbers
            .iter()
            .enumerate()
            .map(|(place, &number)| (number, place as u32))
            .collect();
        let chunks = numbers
            .into_iter()
            .map(|number| Chunk {
                start: number * CHUNK_BYTES,
                ..Chunk::default()
            })
            .collect();
        Self { index, chunks }
    }

    #[inline]
    fn chunk(&self, address: u64) -> Option<&Chunk> {
        let place = *self.index.get(&(address / CHUNK_BYTES))?;
        self.chunks.get(place as usize)
    }

    /// Whether an object could lie at this address at all.
    #[inline]
    pub(crate) fn is_plausible(&self, address: RemoteAddress) -> bool {
        address.is_aligned(GRANULE) && self.index.contains_key(&(address.get() / CHUNK_BYTES))
    }

    /// Marks an object. Returns whether it was not marked before; an address at which no
    /// object can lie is refused, as if it had been marked.
    #[inline]
    pub(crate) fn mark(&self, address: RemoteAddress) -> Marked {
        if !address.is_aligned(GRANULE) {
            return Marked::Impossible;
        }
        let Some(chunk) = self.chunk(address.get()) else {
            return Marked::Impossible;
        };
        let (word, bit) = place(address.get());
        let word = &chunk.marked.get_or_init(bits)[word];
        // Most references lead to objects that are marked already: look before writing, so
        // that the line stays shared between the cores.
        if word.load(Ordering::Relaxed) & bit != 0
            || word.fetch_or(bit, Ordering::Relaxed) & bit != 0
        {
            Marked::Before
        } else {
            Marked::Now
        }
    }

    /// Marks an object that stands in a list of the garbage collector.
    pub(crate) fn mark_tracked(&self, address: RemoteAddress) -> Marked {
        let marked = self.mark(address);
        if marked != Marked::Impossible
            && let Some(chunk) = self.chunk(address.get())
        {
            let (word, bit) = place(address.get());
            let word = &chunk.tracked.get_or_init(bits)[word];
            if word.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
                return Marked::Now;
            }
            return Marked::Before;
        }
        marked
    }

    /// Takes a mark back: what lies there turned out to be no object.
    pub(crate) fn unmark(&self, address: RemoteAddress) {
        if let Some(chunk) = self.chunk(address.get()) {
            let (word, bit) = place(address.get());
            for bits in [&chunk.marked, &chunk.tracked] {
                if let Some(bits) = bits.get() {
                    bits[word].fetch_and(!bit, Ordering::Relaxed);
                }
            }
        }
    }

    /// Whether an address is marked.
    #[inline]
    pub(crate) fn contains(&self, address: RemoteAddress) -> bool {
        if !address.is_aligned(GRANULE) {
            return false;
        }
        let bits = self.chunk(address.get()).and_then(|c| c.marked.get());
        let (word, bit) = place(address.get());
        bits.is_some_and(|bits| bits[word].load(Ordering::Relaxed) & bit != 0)
    }

    /// How many chunks there are; the argument of [`tracked_in`](Self::tracked_in).
    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// The tracked objects of a chunk, by address.
    pub(crate) fn tracked_in(&self, chunk: usize) -> impl Iterator<Item = RemoteAddress> + '_ {
        self.chunks.get(chunk).into_iter().flat_map(|chunk| {
            let bits = chunk.tracked.get().map_or(&[][..], |bits| bits);
            addresses(
                chunk.start,
                bits.iter().map(|word| word.load(Ordering::Relaxed)),
            )
        })
    }

    /// The objects in a range of addresses, sorted.
    pub(crate) fn marked_in(&self, range: &Range<u64>) -> impl Iterator<Item = RemoteAddress> + '_ {
        let range = range.clone();
        let first = self
            .chunks
            .partition_point(|chunk| chunk.start + CHUNK_BYTES <= range.start);
        let end = range.end;
        let chunks = self.chunks[first..].iter();
        chunks
            .take_while(move |chunk| chunk.start < end)
            .flat_map(|chunk| {
                let bits = chunk.marked.get().map_or(&[][..], |bits| bits);
                addresses(
                    chunk.start,
                    bits.iter().map(|word| word.load(Ordering::Relaxed)),
                )
            })
            .filter(move |address| range.contains(&address.get()))
    }

    /// Numbers the objects; from here on the set does not change. `None` when they are more
    /// than an [`ObjectId`] can number.
    pub(crate) fn number(self) -> Option<Numbers> {
        let mut count = 0u32;
        let mut starts = Vec::new();
        let mut chunks = Vec::new();
        let mut index = FxHashMap::default();
        for chunk in self.chunks {
            let Some(marked) = chunk.marked.into_inner() else {
                continue;
            };
            let words: Box<[u64]> = marked
                .iter()
                .map(|word| word.load(Ordering::Relaxed))
                .collect();
            let tracked = chunk.tracked.into_inner().map(|bits| {
                bits.iter()
                    .map(|word| word.load(Ordering::Relaxed))
                    .collect::<Box<[u64]>>()
            });
            index.insert(chunk.start / CHUNK_BYTES, chunks.len() as u32);
            starts.push(count);
            let mut ranks = Vec::with_capacity(WORDS);
            for word in &words {
                ranks.push(count);
                count = count.checked_add(word.count_ones())?;
            }
            chunks.push(NumberedChunk {
                start: chunk.start,
                marked: words,
                tracked,
                ranks: ranks.into_boxed_slice(),
            });
        }
        starts.push(count);
        Some(Numbers {
            index,
            chunks,
            starts,
        })
    }
}

/// What marking an address did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marked {
    /// It was not marked before.
    Now,
    /// It was marked before.
    Before,
    /// No object can lie there.
    Impossible,
}

fn addresses(start: u64, words: impl Iterator<Item = u64>) -> impl Iterator<Item = RemoteAddress> {
    words.enumerate().flat_map(move |(place, mut word)| {
        let base = start + place as u64 * 64 * GRANULE;
        std::iter::from_fn(move || {
            if word == 0 {
                return None;
            }
            let bit = word.trailing_zeros();
            word &= word - 1;
            Some(RemoteAddress::new(base + u64::from(bit) * GRANULE))
        })
    })
}

struct NumberedChunk {
    start: u64,
    marked: Box<[u64]>,
    tracked: Option<Box<[u64]>>,
    /// For each word, how many objects lie before it.
    ranks: Box<[u32]>,
}

/// The finished set: every object has its number, its rank by address.
pub(crate) struct Numbers {
    index: FxHashMap<u64, u32>,
    chunks: Vec<NumberedChunk>,
    /// For each chunk, how many objects lie before it; and how many there are.
    starts: Vec<u32>,
}

impl Numbers {
    /// The number of the object at an address.
    #[inline]
    pub(crate) fn get(&self, address: RemoteAddress) -> Option<ObjectId> {
        let address = address.get();
        if !address.is_multiple_of(GRANULE) {
            return None;
        }
        let chunk = &self.chunks[*self.index.get(&(address / CHUNK_BYTES))? as usize];
        let (word, bit) = place(address);
        let bits = chunk.marked[word];
        (bits & bit != 0).then(|| ObjectId(chunk.ranks[word] + (bits & (bit - 1)).count_ones()))
    }

    /// Whether the garbage collector tracks the object at an address.
    #[inline]
    pub(crate) fn is_tracked(&self, address: RemoteAddress) -> bool {
        let address = address.get();
        let (word, bit) = place(address);
        self.index
            .get(&(address / CHUNK_BYTES))
            .and_then(|&chunk| self.chunks[chunk as usize].tracked.as_ref())
            .is_some_and(|bits| bits[word] & bit != 0)
    }

    /// How many objects there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.last().map_or(0, |&count| count as usize)
    }

    /// How many chunks there are; the argument of [`in_chunk`](Self::in_chunk).
    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// The objects of a chunk, by address.
    pub(crate) fn in_chunk(&self, chunk: usize) -> impl Iterator<Item = RemoteAddress> + '_ {
        let chunk = &self.chunks[chunk];
        addresses(chunk.start, chunk.marked.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ranks_by_address() {
        let marks = Marks::new(&[0x10_0000..0x30_0000, 0x7f00_0000_0000..0x7f00_0010_0000]);
        let addresses = [0x7f00_0000_0008, 0x10_0010, 0x2f_fff8, 0x10_0018].map(RemoteAddress::new);
        for address in addresses {
            assert_eq!(marks.mark(address), Marked::Now);
            assert_eq!(marks.mark(address), Marked::Before);
        }
        assert_eq!(
            marks.mark(RemoteAddress::new(0x10_0011)),
            Marked::Impossible
        );
        assert_eq!(
            marks.mark(RemoteAddress::new(0x40_0000)),
            Marked::Impossible
        );
        let numbers = marks.number().unwrap();
        assert_eq!(numbers.len(), 4);
        let found: Vec<_> = (0..numbers.chunks())
            .flat_map(|c| numbers.in_chunk(c))
            .collect();
        assert!(found.is_sorted());
        for (rank, &address) in found.iter().enumerate() {
            assert_eq!(numbers.get(address), Some(ObjectId(rank as u32)));
        }
        assert_eq!(numbers.get(RemoteAddress::new(0x10_0020)), None);
    }

    #[test]
    fn what_is_unmarked_has_no_number() {
        let marks = Marks::new(std::slice::from_ref(&(0..0x10_0000)));
        let (kept, dropped) = (RemoteAddress::new(64), RemoteAddress::new(128));
        marks.mark_tracked(kept);
        marks.mark_tracked(dropped);
        marks.unmark(dropped);
        let numbers = marks.number().unwrap();
        assert_eq!(numbers.len(), 1);
        assert!(numbers.is_tracked(kept) && !numbers.is_tracked(dropped));
    }
}
