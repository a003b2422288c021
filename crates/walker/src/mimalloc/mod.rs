//! The tracked objects of a free-threaded interpreter, which no list holds.
//!
//! Its allocator, mimalloc, keeps objects that the collector may track in pages of their own,
//! in segments that begin at multiples of 32 MiB. The collector finds its objects by way of
//! each thread's heaps, but what a thread leaves behind when it ends is in none of them. So
//! every place at which a segment could begin is looked at here, and every page is believed
//! whose heap is that of a thread, or that has none since its thread has ended. Other copies
//! of mimalloc in the process, in an extension, have heaps that no thread of Python has.
//!
//! The threads of the walk take segment after segment.

mod census;
mod heaps;
mod page;
mod segment;

pub(crate) use census::census;

use crate::diagnostics::{Diagnostics, Trouble};
use crate::owners::Claim;
use crate::reader::Reader;
use crate::runtime::Interpreter;
use exuvia_cpython::mimalloc::{Mimalloc, SEGMENT_ALIGNMENT};
use exuvia_memory::{Memory, PageCache, RemoteAddress};
use heaps::Heaps;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes of the target that each thread keeps at hand: pages are read once, in order.
const CACHE: usize = 4 << 20;
/// What a debug allocator puts before each block: its size, and bytes that must not change.
const DEBUG_HEAD: u64 = 16;

/// What the threads of the search share.
struct Search<'a> {
    mimalloc: Mimalloc<'a>,
    heaps: &'a Heaps,
    /// Where `ob_gc_bits` and `ob_ref_local` lie in an object.
    ob_gc_bits: u64,
    ob_ref_local: u64,
    /// What comes before each object because allocators are debugged.
    debug_head: u64,
    /// One for each interpreter.
    claims: &'a [Claim<'a>],
}

/// Where to search.
pub(crate) struct Place<'a> {
    /// `_PyRuntime`
    pub(crate) runtime: RemoteAddress,
    pub(crate) interpreters: &'a [Interpreter],
    /// All readable private memory.
    pub(crate) regions: &'a [Range<u64>],
}

/// What a thread of the search brings home.
#[derive(Default)]
struct Finds {
    diagnostics: Diagnostics,
    /// Objects that are never freed, with the index of their interpreter.
    immortal: Vec<(usize, RemoteAddress)>,
}

/// Marks every tracked object for its interpreter, of which each has a claim. `tick` is told how many have been found now and then, and says
/// whether to go on.
///
/// The collector takes no interest in what is immortal: up to 3.13 that is every function,
/// class and code object made before the first thread was, or later, also when nothing refers
/// to it any more. These are returned, not marked, with the index of their interpreter; what
/// lies there only may be an object.
pub(crate) fn mark_tracked<M: Memory>(
    reader: &mut Reader<'_, M>,
    place: &Place<'_>,
    claims: &[Claim<'_>],
    threads: usize,
    tick: impl FnMut(u64) -> bool + Send,
) -> Vec<(usize, RemoteAddress)> {
    let runtime = place.runtime;
    let layout = reader.layout;
    let o = &layout.structs.py_object;
    let (Ok(mimalloc), Some(ob_gc_bits), Some(ob_ref_local)) =
        (layout.mimalloc(), o.ob_gc_bits, o.ob_ref_local)
    else {
        // `Layout::fit` refuses such a table.
        reader.diagnostics.count(Trouble::BrokenSegment, runtime);
        return Vec::new();
    };
    let heaps = Heaps::read(reader, &mimalloc, place.interpreters);
    let search = Search {
        mimalloc,
        heaps: &heaps,
        ob_gc_bits,
        ob_ref_local,
        debug_head: if are_allocators_debugged(reader, runtime) {
            DEBUG_HEAD
        } else {
            0
        },
        claims,
    };
    let candidates: Vec<_> = candidates(place.regions).collect();
    let next = AtomicUsize::new(0);
    let cancelled = AtomicBool::new(false);
    let tick = Mutex::new(tick);
    let memory = *reader.cache.memory();
    let work = || {
        let mut cache = PageCache::new(memory, CACHE);
        let mut finds = Finds::default();
        while !cancelled.load(Ordering::Relaxed)
            && let Some(&at) = candidates.get(next.fetch_add(1, Ordering::Relaxed))
        {
            let found = search.segment(&mut cache, at, &mut finds);
            if found > 0 && !tick.lock().unwrap_or_else(PoisonError::into_inner)(found) {
                cancelled.store(true, Ordering::Relaxed);
            }
        }
        finds
    };
    let mut immortal = Vec::new();
    std::thread::scope(|scope| {
        let helpers = threads.min(candidates.len()).saturating_sub(1);
        let others: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
        let mut add = |finds: Finds| {
            reader.diagnostics.merge(finds.diagnostics);
            immortal.extend(finds.immortal);
        };
        add(work());
        let mut failed = 0;
        for other in others {
            match other.join() {
                Ok(finds) => add(finds),
                Err(_) => failed += 1,
            }
        }
        for _ in 0..failed {
            reader.diagnostics.count(Trouble::BrokenSegment, runtime);
        }
    });
    immortal
}

/// The addresses at which segments can begin: of the whole process, not many.
fn candidates(regions: &[Range<u64>]) -> impl Iterator<Item = RemoteAddress> + '_ {
    regions.iter().flat_map(|region| {
        let first = region.start.div_ceil(SEGMENT_ALIGNMENT);
        let end = region.end.div_ceil(SEGMENT_ALIGNMENT);
        (first..end).map(|number| RemoteAddress::new(number * SEGMENT_ALIGNMENT))
    })
}

/// `_PyMem_DebugEnabled()`: `PYTHONMALLOC=debug`, `-X dev`.
fn are_allocators_debugged<M: Memory>(reader: &mut Reader<'_, M>, runtime: RemoteAddress) -> bool {
    let at = reader
        .layout
        .structs
        .py_runtime_state
        .allocators_is_debug_enabled;
    let flag = at.map(|at| reader.cache.u32(runtime.offset(at)));
    matches!(flag, Some(Ok(flag)) if flag != 0)
}
