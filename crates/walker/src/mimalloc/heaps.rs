//! Which interpreter a page belongs to.

use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::runtime::Interpreter;
use exuvia_cpython::mimalloc::{Mimalloc, SEGMENT_ALIGNMENT};
use exuvia_memory::{Memory, RemoteAddress};
use rustc_hash::{FxHashMap, FxHashSet};

/// The heaps of all threads, and what threads that have ended have left behind. Interpreters
/// are told by their index.
#[derive(Debug, Default)]
pub(super) struct Heaps {
    heaps: FxHashMap<RemoteAddress, usize>,
    /// By segment, up to mimalloc 2.1.2.
    abandoned: FxHashMap<RemoteAddress, usize>,
    /// By `mi_subproc_t`, in mimalloc 2.5.2.
    subprocesses: FxHashMap<RemoteAddress, usize>,
    /// Blocks of full pages that other threads have freed: they are in a list of their page's
    /// heap, and in none of the page.
    freed: FxHashSet<RemoteAddress>,
}

impl Heaps {
    pub(super) fn read<M: Memory>(
        reader: &mut Reader<'_, M>,
        mimalloc: &Mimalloc<'_>,
        interpreters: &[Interpreter],
    ) -> Self {
        let mut heaps = Self::default();
        for (owner, interpreter) in interpreters.iter().enumerate() {
            let threads = interpreter.threads.iter();
            for heap in threads.flat_map(|thread| mimalloc.heaps_of(thread.address)) {
                heaps.heaps.insert(heap, owner);
                heaps.read_freed(reader, heap.offset(mimalloc.heap.thread_delayed_free));
            }
            heaps.read_abandoned(reader, mimalloc, interpreter.address, owner);
        }
        heaps
    }

    /// Follows a list of blocks, each of which begins with the address of the next.
    fn read_freed<M: Memory>(&mut self, reader: &mut Reader<'_, M>, head: RemoteAddress) {
        let mut link = head;
        loop {
            match reader.cache.pointer(link) {
                Ok(block) if block.is_null() => return,
                // A block is in one list, once.
                Ok(block) if reader.spend(block, 1).is_ok() && self.freed.insert(block) => {
                    link = block;
                }
                _ => {
                    reader.diagnostics.count(Trouble::BrokenFreeList, link);
                    return;
                }
            }
        }
    }

    fn read_abandoned<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        mimalloc: &Mimalloc<'_>,
        interpreter: RemoteAddress,
        owner: usize,
    ) {
        let i = &reader.layout.structs.py_interpreter_state;
        let pools = [i.mimalloc_abandoned, i.mimalloc_abandoned_visited];
        if let Some(at) = i.mimalloc_subproc
            && let Ok(subprocess) = reader.cache.pointer(interpreter.offset(at))
        {
            self.subprocesses.insert(subprocess, owner);
        }
        let Some(next) = mimalloc.segment.abandoned_next else {
            return;
        };
        for head in pools.into_iter().flatten() {
            self.read_pool(reader, interpreter.offset(head), next, owner);
        }
    }

    /// Follows a list of segments.
    fn read_pool<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        head: RemoteAddress,
        next: u64,
        owner: usize,
    ) {
        let mut link = head;
        loop {
            let Ok(segment) = reader.cache.u64(link) else {
                reader.diagnostics.count(Trouble::BrokenSegment, link);
                return;
            };
            // The head counts in the bits that an aligned address leaves.
            let segment = RemoteAddress::new(segment & !(SEGMENT_ALIGNMENT - 1));
            if segment.is_null() {
                return;
            }
            if reader.spend(segment, 1).is_err() || self.abandoned.insert(segment, owner).is_some()
            {
                reader.diagnostics.count(Trouble::BrokenSegment, segment);
                return;
            }
            link = segment.offset(next);
        }
    }

    /// Whose a page with this heap is, in this segment: a thread's interpreter, or that of a
    /// thread that has ended, whose pages have no heap until another thread takes them over.
    /// `None` when it is not Python's at all.
    pub(super) fn owner(
        &self,
        heap: RemoteAddress,
        segment: RemoteAddress,
        subprocess: RemoteAddress,
    ) -> Option<usize> {
        if !heap.is_null() {
            return self.heaps.get(&heap).copied();
        }
        let by_segment = self.abandoned.get(&segment);
        let owner = by_segment.or_else(|| self.subprocesses.get(&subprocess));
        // Of a thread that is about to end, nothing says whose it is.
        Some(owner.copied().unwrap_or_default())
    }

    pub(super) fn is_freed(&self, block: RemoteAddress) -> bool {
        self.freed.contains(&block)
    }
}
