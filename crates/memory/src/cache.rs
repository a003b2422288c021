use crate::{Fault, Memory, PAGE_SIZE, RemoteAddress};

/// Bytes that are read from the target at once.
///
/// Eight pages: large enough that the system call is a small part of a read, small enough
/// that an object far from all others does not cost much.
pub const BLOCK_SIZE: usize = 8 * PAGE_SIZE;

const BLOCK_MASK: u64 = BLOCK_SIZE as u64 - 1;
const WAYS: usize = 2;

struct Block {
    number: u64,
    present: u8,
    bytes: Box<[u8; BLOCK_SIZE]>,
}

/// A bounded cache of the target's memory, for one thread.
///
/// Two-way set associative: a block can be in one of two places, chosen by its number, so
/// that a look-up is two comparisons, neighbouring blocks never displace each other, and
/// the memory that it takes is bounded however large the target is.
pub struct PageCache<M> {
    memory: M,
    sets: Vec<[Option<Block>; WAYS]>,
    /// The number and place of the block that was used last.
    last: (u64, usize, usize),
    bytes_read: u64,
}

impl<M: Memory> PageCache<M> {
    /// A cache that holds up to `budget` bytes, and at least a few blocks.
    pub fn new(memory: M, budget: usize) -> Self {
        let sets = (budget / BLOCK_SIZE / WAYS).max(16);
        // The largest power of two within the budget: the place is a mask of the number.
        let sets = 1usize << sets.ilog2();
        Self {
            memory,
            sets: (0..sets).map(|_| [None, None]).collect(),
            last: (u64::MAX, 0, 0),
            bytes_read: 0,
        }
    }

    /// The memory behind the cache.
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// Bytes asked of the target so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Forgets every block.
    pub fn clear(&mut self) {
        self.sets.fill_with(|| [None, None]);
        self.last = (u64::MAX, 0, 0);
    }

    #[inline]
    fn block(&mut self, number: u64) -> Option<&Block> {
        let (last, set, way) = self.last;
        if last != number {
            let set = number as usize & (self.sets.len() - 1);
            let way = match self.sets.get(set)? {
                [Some(block), _] if block.number == number => 0,
                [_, Some(block)] if block.number == number => 1,
                _ => self.load(number, set)?,
            };
            self.last = (number, set, way);
            return self.sets[set][way].as_ref();
        }
        self.sets.get(set)?[way].as_ref()
    }

    /// Reads a block into the first way of its set, and returns that way. What was there
    /// moves to the second, and what was in the second is overwritten: the older of two.
    fn load(&mut self, number: u64, set: usize) -> Option<usize> {
        let address = RemoteAddress::new(number.checked_mul(BLOCK_SIZE as u64)?);
        let ways = &mut self.sets[set];
        ways.swap(0, 1);
        let block = ways[0].get_or_insert_with(|| Block {
            number,
            present: 0,
            bytes: zeroed_block(),
        });
        block.number = number;
        block.present = self.memory.read_block(address, &mut block.bytes);
        self.bytes_read += BLOCK_SIZE as u64;
        Some(0)
    }

    /// Fills `buffer` with the bytes at `address`, all of them or none.
    pub fn read_exact(&mut self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
        let length = buffer.len();
        let fault = Fault { address, length };
        if buffer.len() > BLOCK_SIZE {
            self.bytes_read += length as u64;
            return self.memory.read_exact(address, buffer);
        }
        let mut done = 0;
        while done < length {
            let at = address.checked_add(done as u64).ok_or(fault)?;
            let (number, start) = split(at);
            let end = (start + length - done).min(BLOCK_SIZE);
            let bytes = self.within(number, start, end).ok_or(fault)?;
            buffer[done..done + end - start].copy_from_slice(bytes);
            done += end - start;
        }
        Ok(())
    }

    /// The bytes `start..end` of a block, when all of their pages exist.
    #[inline]
    fn within(&mut self, number: u64, start: usize, end: usize) -> Option<&[u8]> {
        let block = self.block(number)?;
        if block.present != u8::MAX {
            let first = start / PAGE_SIZE;
            let last = (end - 1) / PAGE_SIZE;
            let wanted = ((2u32 << last) - (1 << first)) as u8;
            if block.present & wanted != wanted {
                return None;
            }
        }
        block.bytes.get(start..end)
    }

    /// The `N` bytes at `address`.
    #[inline]
    pub fn array<const N: usize>(&mut self, address: RemoteAddress) -> Result<[u8; N], Fault> {
        let (number, start) = split(address);
        if start + N <= BLOCK_SIZE
            && let Some(bytes) = self.within(number, start, start + N)
            && let Ok(array) = bytes.try_into()
        {
            return Ok(array);
        }
        let mut array = [0; N];
        self.read_exact(address, &mut array)?;
        Ok(array)
    }

    /// `length` bytes at `address`; the caller has bounded the length.
    pub fn bytes(&mut self, address: RemoteAddress, length: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; length];
        self.read_exact(address, &mut bytes)?;
        Ok(bytes)
    }

    /// A byte.
    #[inline]
    pub fn u8(&mut self, address: RemoteAddress) -> Result<u8, Fault> {
        Ok(self.array::<1>(address)?[0])
    }

    /// A little-endian 16-bit number.
    #[inline]
    pub fn u16(&mut self, address: RemoteAddress) -> Result<u16, Fault> {
        Ok(u16::from_le_bytes(self.array(address)?))
    }

    /// A little-endian 32-bit number.
    #[inline]
    pub fn u32(&mut self, address: RemoteAddress) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(self.array(address)?))
    }

    /// A little-endian 64-bit number.
    #[inline]
    pub fn u64(&mut self, address: RemoteAddress) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(self.array(address)?))
    }

    /// A little-endian signed 64-bit number: `Py_ssize_t`.
    #[inline]
    pub fn i64(&mut self, address: RemoteAddress) -> Result<i64, Fault> {
        Ok(i64::from_le_bytes(self.array(address)?))
    }

    /// A pointer.
    #[inline]
    pub fn pointer(&mut self, address: RemoteAddress) -> Result<RemoteAddress, Fault> {
        Ok(RemoteAddress::new(self.u64(address)?))
    }

    /// A NUL-terminated text, cut at `limit` bytes; what is not UTF-8 is replaced.
    pub fn c_string(&mut self, address: RemoteAddress, limit: usize) -> Result<String, Fault> {
        let mut text = Vec::new();
        while text.len() < limit {
            match self.u8(address.offset(text.len() as u64))? {
                0 => break,
                byte => text.push(byte),
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

fn split(address: RemoteAddress) -> (u64, usize) {
    let address = address.get();
    (address / BLOCK_SIZE as u64, (address & BLOCK_MASK) as usize)
}

fn zeroed_block() -> Box<[u8; BLOCK_SIZE]> {
    // Not `Box::new([0; BLOCK_SIZE])`, which builds the array on the stack first.
    match vec![0; BLOCK_SIZE].into_boxed_slice().try_into() {
        Ok(block) => block,
        Err(_) => unreachable!("the vector has exactly BLOCK_SIZE elements"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes from `start` on, with a hole that can't be read.
    struct Image {
        start: u64,
        bytes: Vec<u8>,
        hole: std::ops::Range<u64>,
    }

    impl Memory for Image {
        fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
            let fault = Fault {
                address,
                length: buffer.len(),
            };
            let end = address
                .get()
                .checked_add(buffer.len() as u64)
                .ok_or(fault)?;
            if address.get() < self.hole.end && self.hole.start < end {
                return Err(fault);
            }
            let from = address.get().checked_sub(self.start).ok_or(fault)? as usize;
            let bytes = self.bytes.get(from..from + buffer.len()).ok_or(fault)?;
            buffer.copy_from_slice(bytes);
            Ok(())
        }
    }

    fn image() -> Image {
        let start = 0x10000;
        Image {
            start,
            bytes: (0..40 * PAGE_SIZE).map(|i| (i / 8 % 251) as u8).collect(),
            hole: start + 20 * PAGE_SIZE as u64..start + 21 * PAGE_SIZE as u64,
        }
    }

    #[test]
    fn reads_across_blocks_are_whole() {
        let image = image();
        let expected = image.bytes[BLOCK_SIZE - 4..BLOCK_SIZE + 4].to_vec();
        let address = RemoteAddress::new(image.start + BLOCK_SIZE as u64 - 4);
        let mut cache = PageCache::new(&image, 0);
        assert_eq!(cache.array::<8>(address).unwrap().to_vec(), expected);
    }

    #[test]
    fn a_missing_page_costs_only_itself() {
        let image = image();
        let mut cache = PageCache::new(&image, 0);
        let hole = RemoteAddress::new(image.hole.start);
        assert!(cache.u64(hole).is_err());
        assert!(cache.u64(hole.before(8)).is_ok());
        assert!(cache.u64(hole.before(4)).is_err());
        assert!(cache.u64(RemoteAddress::new(image.hole.end)).is_ok());
    }

    #[test]
    fn what_was_displaced_is_read_again() {
        let image = Image {
            start: 0,
            bytes: (0..100 * BLOCK_SIZE)
                .map(|i| (i / BLOCK_SIZE) as u8)
                .collect(),
            hole: 0..0,
        };
        let mut cache = PageCache::new(&image, 0);
        for _ in 0..2 {
            for block in 0..100u64 {
                let address = RemoteAddress::new(block * BLOCK_SIZE as u64 + 17);
                assert_eq!(u64::from(cache.u8(address).unwrap()), block);
            }
        }
    }

    #[test]
    fn the_end_of_the_address_space_is_a_fault() {
        let mut cache = PageCache::new(image(), 0);
        assert!(cache.u64(RemoteAddress::new(u64::MAX - 3)).is_err());
        assert!(cache.u64(RemoteAddress::new(u64::MAX)).is_err());
    }
}
