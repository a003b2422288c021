//! mimalloc's segments and pages.

use exuvia_memory::RemoteAddress;

use super::{FreeHeap, GC, GC_PRE};

/// Where segments lie: at multiples of their size.
const SEGMENTS: u64 = 0x0220_0000_0000;
const SEGMENT: u64 = 32 << 20;
const SLICE: u64 = 64 << 10;
const SLICES: u64 = SEGMENT / SLICE;

/// A segment, of which the first slice is its head.
#[derive(Debug, Clone, Copy, Default)]
pub struct Segment {
    /// Its `mi_segment_t`.
    pub address: RemoteAddress,
    /// The first slice without a page.
    next: u64,
}

/// A page to lay out.
#[derive(Debug, Clone, Copy)]
pub struct PageSpec {
    /// The tag of its heap.
    pub tag: u64,
    /// Bytes of each block.
    pub block_size: u64,
    /// Its heap; null when the thread has ended.
    pub heap: RemoteAddress,
    /// Its slices.
    pub slices: u64,
}

/// A page.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Its `mi_page_t`.
    pub entry: RemoteAddress,
    first_block: RemoteAddress,
    block_size: u64,
    capacity: u16,
    used: u16,
}

/// A list of free blocks of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreeList {
    /// `free`
    Free,
    /// `local_free`
    Local,
    /// `xthread_free`, with flags in the lowest bits.
    Thread,
}

impl FreeHeap {
    /// A segment without pages.
    pub fn segment(&mut self) -> Segment {
        let address = RemoteAddress::new(SEGMENTS + self.segments * SEGMENT);
        self.segments += 1;
        self.image.map(address.get()..address.get() + SLICE);
        let s = &self.abi.mimalloc.segment;
        self.image.put_u64(address.offset(s.segment_slices), SLICES);
        self.image.put_u64(address.offset(s.segment_info_slices), 1);
        self.image.put_u64(address.offset(s.slice_entries), SLICES);
        let segment = Segment { address, next: 1 };
        self.image.put_u32(self.entry(&segment, 0), 1);
        self.free_rest(&segment);
        segment
    }

    /// The `mi_page_t` of a slice.
    pub fn entry(&self, segment: &Segment, slice: u64) -> RemoteAddress {
        let mimalloc = self.abi.mimalloc;
        let at = mimalloc.segment.slices + slice * mimalloc.page.size;
        segment.address.offset(at)
    }

    /// A page of a segment, without blocks.
    pub fn page(&mut self, segment: &mut Segment, spec: &PageSpec) -> Page {
        let slice = segment.next;
        segment.next += spec.slices;
        let p = &self.abi.mimalloc.page;
        let entry = self.entry(segment, slice);
        let first_slice = segment.address.offset(slice * SLICE);
        let offset = match (p.tag_and_start, spec.block_size) {
            // 2.5.2 aligns the blocks of small pages; any place will do.
            (Some(_), size) => size,
            (None, ..=64) => 3 * spec.block_size,
            (None, ..=512) => spec.block_size,
            (None, _) => 0,
        };
        let first_block = if spec.block_size > 4096 {
            first_slice
        } else {
            first_slice.offset(offset)
        };
        self.image.put_u32(entry, spec.slices as u32);
        self.image.put_pointer(entry.offset(p.xheap), spec.heap);
        if let Some((tag, start)) = p.tag_and_start {
            self.image.put(entry.offset(tag), &[spec.tag as u8]);
            self.image.put_pointer(entry.offset(start), first_block);
            self.image
                .put_u64(entry.offset(p.block_size), spec.block_size);
        } else {
            // Behind three flags, of which the first says that there is memory.
            let bits = 1 | (spec.tag as u8) << 3;
            self.image.put(entry.offset(8), &[bits]);
            let size = spec.block_size.min(2 << 30) as u32;
            self.image.put_u32(entry.offset(p.block_size), size);
        }
        let used = self.abi.mimalloc.segment.used;
        let pages = self.image.u64(segment.address.offset(used)) + 1;
        self.image.put_u64(segment.address.offset(used), pages);
        self.free_rest(segment);
        Page {
            entry,
            first_block,
            block_size: spec.block_size,
            capacity: 0,
            used: 0,
        }
    }

    /// Says that a huge segment has more slices than entries, and that its page has them all.
    pub fn make_huge(&mut self, segment: &Segment, page: &Page, slices: u64) {
        let s = &self.abi.mimalloc.segment;
        self.image
            .put_u64(segment.address.offset(s.segment_slices), slices + 1);
        self.image
            .put_u64(segment.address.offset(s.slice_entries), 2);
        self.image.put_u32(page.entry, slices as u32);
    }

    /// The next block of a page, in use.
    pub fn block(&mut self, page: &mut Page) -> RemoteAddress {
        let block = page
            .first_block
            .offset(u64::from(page.capacity) * page.block_size);
        // Of a large block, the start is all that a test fills.
        let end = block.get() + page.block_size.min(SLICE);
        self.image.map(block.get()..end);
        page.capacity += 1;
        page.used += 1;
        self.image
            .put(page.entry.offset(10), &page.capacity.to_le_bytes());
        self.put_used(page);
        block
    }

    /// Frees a block, of which the rest stays as it was.
    pub fn free(&mut self, page: &mut Page, block: RemoteAddress, list: FreeList) {
        let p = &self.abi.mimalloc.page;
        let (head, flags) = match list {
            FreeList::Free => (p.free, 0),
            FreeList::Local => (p.local_free, 0),
            FreeList::Thread => (p.xthread_free, 2),
        };
        let head = page.entry.offset(head);
        let next = self.image.u64(head) & !3;
        self.image.put_u64(block, next);
        self.image.put_u64(head, block.get() | flags);
        if list != FreeList::Thread {
            // Blocks that other threads have freed count as used until they are collected.
            page.used -= 1;
            self.put_used(page);
        }
    }

    /// Puts a block into the list of those that other threads have freed from full pages.
    pub fn free_delayed(&mut self, heap: RemoteAddress, block: RemoteAddress) {
        let head = heap.offset(self.abi.mimalloc.thread_delayed_free);
        let next = self.image.u64(head);
        self.image.put_u64(block, next);
        self.image.put_pointer(head, block);
    }

    /// Leaves a segment to an interpreter, since its thread has ended: in its list of these,
    /// or in that of those which were visited before.
    pub fn abandon(&mut self, segment: &Segment, interpreter: RemoteAddress, visited: bool) {
        let (abandoned, was_visited) = self.abi.interpreter.abandoned;
        let mine = segment.address.offset(self.abi.mimalloc.segment.abandoned);
        if self.abi.mimalloc.is_new() {
            let subprocess = self.image.pointer(interpreter.offset(abandoned));
            self.image.put_pointer(mine, subprocess);
            return;
        }
        let head = interpreter.offset(if visited { was_visited } else { abandoned });
        let next = self.image.u64(head) & !(SEGMENT - 1);
        self.image.put_u64(mine, next);
        // The first of these lists counts in the bits that an aligned address leaves.
        let count = if visited { 0 } else { 7 };
        self.image.put_u64(head, segment.address.get() | count);
    }

    /// Room for an object of the collector in a page of the main thread, with managed fields
    /// before it or not.
    pub fn tracked(&mut self, size: u64, managed: bool) -> RemoteAddress {
        let (tag, before) = if managed { (GC_PRE, 16) } else { (GC, 0) };
        let block_size = (before + size).next_multiple_of(16);
        let heap = self.heap_of(self.thread, tag);
        let mut segment = self.segment;
        let mut page = match self.pages.get(&(tag, block_size)) {
            Some(&page) => page,
            None => self.page(
                &mut segment,
                &PageSpec {
                    tag,
                    block_size,
                    heap,
                    slices: block_size.div_ceil(SLICE).max(1),
                },
            ),
        };
        let block = self.block(&mut page);
        self.segment = segment;
        self.pages.insert((tag, block_size), page);
        block.offset(before)
    }

    fn put_used(&mut self, page: &Page) {
        let at = page.entry.offset(self.abi.mimalloc.page.used);
        self.image.put(at, &page.used.to_le_bytes());
    }

    /// What follows the last page is one free span.
    fn free_rest(&mut self, segment: &Segment) {
        if segment.next < SLICES {
            let rest = self.entry(segment, segment.next);
            self.image.put_u32(rest, (SLICES - segment.next) as u32);
        }
    }
}
