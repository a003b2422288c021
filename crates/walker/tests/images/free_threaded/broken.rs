//! Damaged memory of free-threaded builds: the walk ends, and says what was wrong.

use super::*;

/// One thing that is wrong with a segment, and the diagnostic that tells it.
type Fault = (fn(&mut FreeHeap, &mut Broken), Option<&'static str>);

/// A segment to break, with a page and its blocks.
struct Broken {
    build: FreeThreaded,
    segment: exuvia_synth::Segment,
    page: exuvia_synth::Page,
    blocks: Vec<RemoteAddress>,
}

impl Broken {
    fn new(heap: &mut FreeHeap, build: FreeThreaded) -> Self {
        let mut segment = heap.segment();
        let mut page = heap.page(
            &mut segment,
            &PageSpec {
                tag: GC,
                block_size: 64,
                heap: heap.heap_of(heap.thread, GC),
                slices: 1,
            },
        );
        let blocks: Vec<_> = (0..8).map(|_| heap.block(&mut page)).collect();
        for &block in &blocks {
            heap.list_at(block, &[]);
            heap.leave_tracked(block);
        }
        Self {
            build,
            segment,
            page,
            blocks,
        }
    }

    /// Where the size of the blocks stands, and how many bytes it has.
    fn put_block_size(&self, heap: &mut FreeHeap, size: u64) {
        let is_new = matches!(self.build, FreeThreaded::V3_14_10 | FreeThreaded::V3_15_2);
        if is_new {
            heap.image.put_u64(self.page.entry.offset(40), size);
        } else {
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            heap.image.put_u32(self.page.entry.offset(28), size);
        }
    }
}

#[test]
fn broken_segments_are_told_and_end() {
    const SEGMENT: Option<&str> = Some("broken-segment");
    const LIST: Option<&str> = Some("broken-free-list");
    let faults: [Fault; 13] = [
        // A list of free blocks that goes round, at once or later.
        (
            |heap, broken| {
                let (page, block) = (&mut broken.page, broken.blocks[3]);
                heap.free(page, block, FreeList::Free);
                heap.image.put_pointer(block, block);
            },
            LIST,
        ),
        (
            |heap, broken| {
                let (first, last) = (broken.blocks[0], broken.blocks[2]);
                for &block in &broken.blocks[..3] {
                    heap.free(&mut broken.page, block, FreeList::Local);
                }
                heap.image.put_pointer(first, last);
            },
            LIST,
        ),
        // One that leads between the blocks, into nowhere, or past the last block.
        (
            |heap, broken| {
                let block = broken.blocks[1].offset(8);
                heap.free(&mut broken.page, block, FreeList::Thread);
            },
            LIST,
        ),
        (
            |heap, broken| {
                let at = broken.page.entry.offset(16);
                heap.image.put_u64(at, 0xdead_0000);
            },
            LIST,
        ),
        (
            |heap, broken| {
                let at = broken.page.entry.offset(16);
                let past = broken.blocks[7].offset(64);
                heap.image.put_pointer(at, past);
            },
            LIST,
        ),
        // Pages of no slices, or of more than there are.
        (
            |heap, broken| heap.image.put_u32(broken.page.entry, 0),
            SEGMENT,
        ),
        (
            |heap, broken| heap.image.put_u32(broken.page.entry, u32::MAX),
            SEGMENT,
        ),
        (
            |heap, broken| {
                let rest = heap.entry(&broken.segment, 2);
                heap.image.put_u32(rest, 512);
            },
            SEGMENT,
        ),
        // Blocks that are too small for a word, or larger than their page.
        (|heap, broken| broken.put_block_size(heap, 1), SEGMENT),
        (|heap, broken| broken.put_block_size(heap, 1 << 20), SEGMENT),
        // A free span, whatever else its entry says.
        (|heap, broken| broken.put_block_size(heap, 0), None),
        // More blocks than the page has room for.
        (
            |heap, broken| {
                let capacity = u16::MAX.to_le_bytes();
                heap.image.put(broken.page.entry.offset(10), &capacity);
            },
            SEGMENT,
        ),
        // Half of the segment is not there.
        (
            |heap, broken| {
                let start = broken.segment.address.get() + (64 << 10);
                heap.image.unmap(start..start + (64 << 10));
            },
            SEGMENT,
        ),
    ];
    for build in FreeThreaded::ALL {
        for (n, (fault, code)) in faults.iter().enumerate() {
            let mut heap = FreeHeap::new(build);
            let sound = heap.list(&[]);
            let mut broken = Broken::new(&mut heap, build);
            fault(&mut heap, &mut broken);
            let snapshot = try_walk(&layout(build), &heap.finish()).unwrap();
            assert!(is_there(&snapshot, sound), "{build:?}, fault {n}");
            for known in ["broken-segment", "broken-free-list"] {
                let told = trouble(&snapshot, known);
                let expected = u64::from(*code == Some(known));
                assert_eq!(told, expected, "{build:?}, fault {n}: {known}");
            }
        }
    }
}

#[test]
fn chains_that_go_round_end() {
    for build in FreeThreaded::ALL {
        // Blocks freed by other threads.
        let mut heap = FreeHeap::new(build);
        let gc = heap.heap_of(heap.thread, GC);
        let (first, second) = (heap.allocate(64), heap.allocate(64));
        heap.free_delayed(gc, first);
        heap.free_delayed(gc, second);
        heap.image.put_pointer(first, second);
        let snapshot = try_walk(&layout(build), &heap.finish()).unwrap();
        assert_eq!(trouble(&snapshot, "broken-free-list"), 1, "{build:?}");

        // Objects that wait for their counts.
        let mut heap = FreeHeap::new(build);
        let object = heap.int(1);
        heap.queue(&[object]);
        let chunk = heap.allocate(0);
        heap.queue(&[object]);
        let before = heap.image.pointer(chunk);
        heap.image.put_pointer(before, chunk);
        let snapshot = try_walk(&layout(build), &heap.finish()).unwrap();
        assert_eq!(trouble(&snapshot, "broken-chain"), 1, "{build:?}");
    }
}

#[test]
fn flipped_bytes_of_the_allocator() {
    const ROUNDS: u64 = 1500;
    for build in FreeThreaded::ALL {
        let layout = layout(build);
        let mut heap = FreeHeap::new(build);
        let second = heap.another_interpreter();
        let items: Vec<_> = (0..50).map(|_| heap.list(&[])).collect();
        let list = heap.list(&items);
        heap.queue(&[list]);
        let mut broken = Broken::new(&mut heap, build);
        for (n, block) in broken.blocks.clone().into_iter().enumerate() {
            let lists = [FreeList::Free, FreeList::Local, FreeList::Thread];
            heap.free(&mut broken.page, block, lists[n % 3]);
        }
        heap.abandon(&broken.segment, second, true);
        let segment = broken.segment.address.get();
        let heads = segment..segment + 4096;
        let thread = heap.thread.get()..heap.thread.get() + 20_000;
        let mut process = heap.finish();
        let mut random = Random::new(7);
        let mut found = 0;
        for round in 0..ROUNDS {
            let flips: Vec<_> = (0..=random.below(4))
                .map(|_| {
                    let range = [&heads, &heads, &thread][random.below(3)];
                    let length = (range.end - range.start) as usize;
                    let at = range.start + random.below(length) as u64;
                    (at, random.below(255) as u8 + 1)
                })
                .collect();
            for &(at, mask) in &flips {
                process.image.flip(at, mask);
            }
            match try_walk(&layout, &process) {
                Ok(snapshot) => found += u64::from(is_there(&snapshot, list)),
                Err(WalkError::Runtime(_) | WalkError::NoInterpreter) => {}
                Err(error) => panic!("{build:?}, round {round}: {error}"),
            }
            for &(at, mask) in &flips {
                process.image.flip(at, mask);
            }
        }
        assert!(found > ROUNDS / 2, "{build:?}: {found}");
    }
}
