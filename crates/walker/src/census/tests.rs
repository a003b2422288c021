//! Allocators in memory that is made up.

use super::*;
use exuvia_cpython::{Flavor, Version};
use exuvia_memory::Fault;

/// Memory from an address on.
struct Image {
    start: u64,
    bytes: Vec<u8>,
}

impl Image {
    fn new(start: u64, length: usize) -> Self {
        Self {
            start,
            bytes: vec![0; length],
        }
    }

    fn put(&mut self, address: u64, words: &[u64]) {
        for (i, word) in words.iter().enumerate() {
            let at = (address - self.start) as usize + i * 8;
            self.bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
    }

    fn range(&self) -> Range<u64> {
        self.start..self.start + self.bytes.len() as u64
    }

    fn census(&self, is_heap: bool) -> Census {
        let layout = Layout::for_version(Version::new(3, 11, 7), Flavor::Gil).unwrap();
        let range = self.range();
        census(
            self,
            &CensusPlace {
                layout: &layout,
                anonymous: std::slice::from_ref(&range),
                heap: is_heap.then_some(&range),
                stacks: &[],
                is_glibc: true,
                resident: &|range| range.end - range.start,
                cancelled: &|| false,
            },
        )
    }

    /// A pool of 16 KiB with so many blocks of 32 bytes in use.
    fn pool(&mut self, address: u64, arena: u64, used: u64) {
        let class = 1 << 32;
        let offsets = (48 + 32 * 100) | (((16 << 10) - 32) << 32);
        self.put(address, &[used, 0, 0, 0, arena | class, offsets]);
    }
}

impl Memory for Image {
    fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
        let length = buffer.len();
        let start = address.get().checked_sub(self.start);
        let part = start.and_then(|at| self.bytes.get(at as usize..)?.get(..length));
        match part {
            Some(part) => {
                buffer.copy_from_slice(part);
                Ok(())
            }
            None => Err(Fault { address, length }),
        }
    }
}

const START: u64 = 0x7f00_0001_0000;
const PREVIOUS: u64 = 1;

#[test]
fn chunks_of_a_heap() {
    let mut image = Image::new(START, 64 << 10);
    let [free, used, top] = [START + 0x290, START + 0x290 + 0x5000, START + 0x52f0];
    image.put(START, &[0, 0x290 | PREVIOUS]);
    image.put(free, &[0, 0x5000 | PREVIOUS]);
    // The one before it is free.
    image.put(used, &[0x5000, 0x60]);
    image.put(top, &[0, (0x1_0000 - 0x52f0) | PREVIOUS]);
    let heaps = image.census(true).glibc.unwrap();
    assert_eq!((heaps.heaps, heaps.memory.bytes), (1, 64 << 10));
    assert_eq!(heaps.used.bytes, 0x290 + 0x60);
    assert_eq!(heaps.free.bytes, 0x5000);
    assert_eq!(heaps.top.bytes, 0x1_0000 - 0x52f0);
    // Four whole pages of the free chunk, and ten of the top.
    assert_eq!(heaps.trimmable, 14 * 4096);
}

#[test]
fn chunks_that_lead_elsewhere_are_not_believed() {
    for size in [0, 8, 0x18, 0x23 << 1, u64::MAX, 1 << 40] {
        let mut image = Image::new(START, 64 << 10);
        image.put(START, &[0, 0x290 | PREVIOUS]);
        image.put(START + 0x290, &[0, size | PREVIOUS]);
        let heaps = image.census(true).glibc.unwrap();
        assert_eq!(heaps.memory.bytes, 64 << 10);
        assert_eq!((heaps.used.bytes, heaps.free.bytes), (0, 0), "{size:#x}");
    }
}

/// Of one size in old versions and in new ones; a size that leads out of memory is none.
#[test]
fn blocks_that_are_mapped_one_by_one() {
    let mut image = Image::new(START, 64 << 10);
    image.put(START + 0x1000, &[0, 0x3002]);
    image.put(START + 0x4000, &[0, 0x2ff2]);
    image.put(START + 0x7000, &[0, 0x1003]);
    image.put(START + 0x8000, &[0, 0x10_0002]);
    let heaps = image.census(false).glibc.unwrap();
    assert_eq!((heaps.mapped_blocks, heaps.mapped.bytes), (2, 0x6000));
}

#[test]
fn pools_of_arenas_that_lie_side_by_side() {
    const POOL: u64 = 16 << 10;
    const ARENA: u64 = 1 << 20;
    let mut image = Image::new(START, 3 << 20);
    // An arena from the start on, and one that begins with a piece of a pool.
    for (first, arena) in [(START, 0), (START + ARENA + POOL, 1)] {
        image.pool(first, arena, 100);
        image.pool(first + POOL, arena, 1);
        image.pool(first + 2 * POOL, arena, 0);
    }
    // Not a pool: more blocks in use than it has.
    image.pool(START + 3 * POOL, 0, 512);
    let found = image.census(false).pymalloc.unwrap();
    assert_eq!((found.arenas, found.pools, found.free_pools), (2, 4, 2));
    assert_eq!((found.blocks, found.used), (202, 202 * 32));
    let blocks = (POOL - 48) / 32;
    assert_eq!(found.free, (4 * blocks - 202) * 32);
    assert_eq!(
        (found.headers, found.rounding),
        (4 * 48, 4 * (POOL - 48 - blocks * 32))
    );
    assert_eq!(found.memory.bytes, 2 * ARENA);
}

#[test]
fn where_no_pool_is_there_is_no_allocator() {
    let census = Image::new(START, 1 << 20).census(false);
    assert_eq!((census.pymalloc, census.mimalloc), (None, None));
}

#[test]
fn what_is_not_taken_lies_between() {
    let mut taken = Taken::default();
    for range in [30..40, 10..20, 35..50] {
        taken.push(range);
    }
    let all = [0..100, 136..138];
    assert_eq!(taken.free_parts(&all), [0..10, 20..30, 50..100, 136..138]);
    let parts = [12..18, 45..60, 70..80];
    assert_eq!(taken.free_parts(&parts), [50..60, 70..80]);
}
