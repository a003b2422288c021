//! The lists of the garbage collector.

use crate::diagnostics::Trouble;
use crate::generations::{OLDEST, PERMANENT};
use crate::marks::Marked;
use crate::owners::Claim;
use crate::reader::Reader;
use crate::runtime::MAX_INTERPRETERS;
use exuvia_cpython::Layout;
use exuvia_memory::{Memory, PageCache, RemoteAddress};
use std::sync::atomic::{AtomicBool, Ordering};

/// `_PyGC_PREV_MASK` and `NEXT_MASK`: the low bits of the links carry flags.
const FLAGS: u64 = 3;

/// Marks every object in the lists of the collector whose state is given. `tick` is told how many have been
/// found now and then, and says whether to go on.
pub(crate) fn mark_tracked<M: Memory>(
    reader: &mut Reader<'_, M>,
    gc_state: RemoteAddress,
    claim: Claim<'_>,
    mut tick: impl FnMut(u64) -> bool,
) {
    for (head, generation) in heads(reader, gc_state) {
        let claim = Claim {
            generation,
            ..claim
        };
        if !mark_list(reader, head, claim, &mut tick) {
            return;
        }
    }
}

/// Whether the interpreters are at a moment at which their heaps can be read: no garbage
/// collection is running, which unlinks objects from the lists, and no thread has stopped
/// all others to change what they all use, as free-threaded builds do.
///
/// The target stands still for this, so it reads a few words and nothing around them. What
/// can't be read counts as safe: the walk will say what is wrong.
pub fn is_safe_moment<M: Memory>(memory: &M, layout: &Layout, runtime: RemoteAddress) -> bool {
    let i = &layout.structs.py_interpreter_state;
    let r = &layout.structs.py_runtime_state;
    let is_stopped = |state: RemoteAddress, requested: Option<u64>| {
        let mut flag = [0; 1];
        let read = requested.map(|at| memory.read_exact(state.offset(at), &mut flag));
        matches!(read, Some(Ok(()))) && flag[0] != 0
    };
    if is_stopped(runtime, r.stoptheworld_requested) {
        return false;
    }
    let mut link = runtime.offset(r.interpreters_head);
    for _ in 0..MAX_INTERPRETERS {
        let mut word = [0; 8];
        if memory.read_exact(link, &mut word).is_err() {
            return true;
        }
        let interpreter = RemoteAddress::new(u64::from_le_bytes(word));
        if interpreter.is_null() {
            return true;
        }
        if is_collecting(memory, layout, layout.gc_state(runtime, interpreter))
            || is_stopped(interpreter, i.stoptheworld_requested)
        {
            return false;
        }
        link = interpreter.offset(i.next);
    }
    true
}

/// Whether the collector with this state is at work: its lists are partly unlinked.
pub(crate) fn is_collecting<M: Memory>(
    memory: &M,
    layout: &Layout,
    gc_state: RemoteAddress,
) -> bool {
    let collecting = layout.structs.gc_runtime_state.collecting;
    let mut word = [0; 4];
    let read = memory.read_exact(gc_state.offset(collecting), &mut word);
    read.is_ok() && u32::from_le_bytes(word) != 0
}

/// The heads of the generations and of the permanent one.
///
/// Where a collector works incrementally, its two lists of old objects stand in the places of
/// the older generations.
fn heads<M: Memory>(reader: &mut Reader<'_, M>, state: RemoteAddress) -> Vec<(RemoteAddress, u8)> {
    let structs = &reader.layout.structs;
    let g = &structs.gc_runtime_state;
    let mut heads: Vec<_> = (0..g.generations_length.unwrap_or_default())
        .map(|i| {
            let head = state.offset(g.generations + i * structs.gc_generation.size);
            (head, i.min(OLDEST.into()) as u8)
        })
        .collect();
    heads.push((state.offset(g.permanent_generation), PERMANENT));
    heads
}

/// Marks the objects of one list; returns whether to go on with the next.
///
/// Following links is one read after another, so a long list is walked from both ends at the
/// same time.
fn mark_list<M: Memory>(
    reader: &mut Reader<'_, M>,
    head: RemoteAddress,
    claim: Claim<'_>,
    tick: &mut impl FnMut(u64) -> bool,
) -> bool {
    let mut forward = Forward { head, at: head };
    match forward.walk(reader, claim, SHORT, tick) {
        Stop::Limit => {}
        Stop::Cancelled => return false,
        Stop::Head => return true,
        // Nobody else marks the objects of this list yet: it goes round without its head.
        Stop::Marked | Stop::Unreadable => {
            broken(reader, forward.at);
            // What lies behind the broken link is reached from the end.
            let (memory, layout) = (*reader.cache.memory(), reader.layout);
            mark_backward(memory, layout, head, claim, &AtomicBool::new(false));
            return true;
        }
    }
    let (memory, layout) = (*reader.cache.memory(), reader.layout);
    let cancelled = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let backward = scope.spawn(|| mark_backward(memory, layout, head, claim, &cancelled));
        let stop = forward.walk(reader, claim, u64::MAX, tick);
        cancelled.store(stop == Stop::Cancelled, Ordering::Relaxed);
        let last = backward.join().ok().flatten();
        // Both meet where the other one has been, unless a link is broken.
        let is_whole = match stop {
            Stop::Marked => last == Some(forward.at),
            Stop::Head => last.is_none(),
            Stop::Cancelled | Stop::Limit => true,
            Stop::Unreadable => false,
        };
        if !is_whole {
            broken(reader, forward.at);
        }
        stop != Stop::Cancelled
    })
}

fn broken<M: Memory>(reader: &mut Reader<'_, M>, at: RemoteAddress) {
    reader.diagnostics.count(Trouble::BrokenCollectorList, at);
    let reason = reader.trouble_at(at);
    if reason != Trouble::NotAnObject {
        reader.diagnostics.count(reason, at);
    }
}

/// Objects of a list that one thread walks before it asks for help.
const SHORT: u64 = 1 << 16;
/// Objects between two reports of progress.
const TICK: u64 = 8192;
/// Bytes of the target that the backward walk keeps at hand.
const BACKWARD_CACHE: usize = 64 << 20;

/// Why a walk along a list stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// It is back at the head.
    Head,
    /// The object was marked before.
    Marked,
    Unreadable,
    Limit,
    Cancelled,
}

/// A walk along `_gc_next`.
struct Forward {
    head: RemoteAddress,
    at: RemoteAddress,
}

impl Forward {
    /// Marks up to `limit` objects.
    fn walk<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        claim: Claim<'_>,
        limit: u64,
        tick: &mut impl FnMut(u64) -> bool,
    ) -> Stop {
        let gc_head = &reader.layout.structs.py_gc_head;
        let (next, size) = (gc_head._gc_next, gc_head.size);
        let mut found = 0;
        let stop = loop {
            if found == limit {
                break Stop::Limit;
            }
            let Ok(link) = reader.cache.u64(self.at.offset(next)) else {
                break Stop::Unreadable;
            };
            self.at = RemoteAddress::new(link & !FLAGS);
            if self.at == self.head {
                break Stop::Head;
            }
            if claim.mark_tracked(self.at.offset(size)) != Marked::Now {
                break Stop::Marked;
            }
            found += 1;
            if found % TICK == 0 && !tick(TICK) {
                return Stop::Cancelled;
            }
        };
        if tick(found % TICK) {
            stop
        } else {
            Stop::Cancelled
        }
    }
}

/// Marks from the end of a list along `_gc_prev`, each step checked against `_gc_next`, until
/// it meets an object that is marked. Returns the last that it marked itself.
fn mark_backward<M: Memory>(
    memory: &M,
    layout: &Layout,
    head: RemoteAddress,
    claim: Claim<'_>,
    cancelled: &AtomicBool,
) -> Option<RemoteAddress> {
    let mut cache = PageCache::new(memory, BACKWARD_CACHE);
    let gc_head = &layout.structs.py_gc_head;
    let (next, prev, size) = (gc_head._gc_next, gc_head._gc_prev, gc_head.size);
    let mut at = head;
    let mut last = None;
    while !cancelled.load(Ordering::Relaxed) {
        let Ok(link) = cache.u64(at.offset(prev)) else {
            break;
        };
        let before = RemoteAddress::new(link & !FLAGS);
        if before == head {
            break;
        }
        let back = cache.u64(before.offset(next));
        let leads_back = back.is_ok_and(|link| RemoteAddress::new(link & !FLAGS) == at);
        if !leads_back || claim.mark_tracked(before.offset(size)) != Marked::Now {
            break;
        }
        last = Some(before);
        at = before;
    }
    last
}
