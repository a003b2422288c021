//! The second pass as a whole: threads describe chunks of memory, and their rows are put
//! together in the order of addresses.

use crate::describe::{Batch, Description};
use crate::diagnostics::{Diagnostics, Trouble};
use crate::native::Place;
use crate::reader::Reader;
use crate::walk::{DESCRIBE_CACHE, Progress, WalkError};
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_snapshot::{Digests, ObjectId, Objects, References, ReferencesOverflow, TypeId, Values};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// The rows of all chunks so far.
#[derive(Default)]
pub(crate) struct Described {
    pub(crate) objects: Objects,
    pub(crate) references: References,
    pub(crate) values: Values,
    pub(crate) digests: Digests,
    pub(crate) owned_dicts: Vec<(ObjectId, TypeId)>,
    /// Where references stand that have no name yet.
    pub(crate) places: Vec<Place>,
    pub(crate) diagnostics: Diagnostics,
    /// Memory that objects share and that has been counted for one of them.
    owned_blocks: FxHashSet<RemoteAddress>,
    /// Sums of the sizes.
    size: u64,
    allocated: u64,
}

impl Described {
    fn append(&mut self, batch: &Batch) -> Result<(), ReferencesOverflow> {
        self.append_sizes(batch);
        let (all, more) = (&mut self.objects, &batch.objects);
        all.address.extend_from_slice(&more.address);
        all.kind.extend_from_slice(&more.kind);
        all.refcount.extend_from_slice(&more.refcount);
        all.flags.extend_from_slice(&more.flags);
        all.interpreter.extend_from_slice(&more.interpreter);
        self.values.append(&batch.values);
        self.digests.append(&batch.digests);
        self.owned_dicts.extend_from_slice(&batch.owned_dicts);
        // If that overflows, adding the references fails.
        let before = self.references.len() as u32;
        self.places.extend(batch.places.iter().map(|place| Place {
            reference: place.reference.saturating_add(before),
            ..*place
        }));
        self.references.append(&batch.references)
    }

    /// Readers of a snapshot add sizes up: what no longer fits into the sum counts as 0.
    fn append_sizes(&mut self, batch: &Batch) {
        let more = &batch.objects;
        let rows = more.address.iter().zip(&more.size).zip(&more.allocated);
        let mut shared = batch.shared.iter().peekable();
        for (row, ((&address, &size), &allocated)) in rows.enumerate() {
            let mut allocated = allocated;
            while let Some((_, block)) = shared.next_if(|(of, _)| *of == row) {
                // Batches come in the order of addresses: the first to have it owns it.
                if self.owned_blocks.insert(block.address) {
                    allocated = allocated.saturating_add(block.bytes);
                }
            }
            let sums = self
                .size
                .checked_add(size)
                .zip(self.allocated.checked_add(allocated));
            let (size, allocated) = if let Some(sums) = sums {
                (self.size, self.allocated) = sums;
                (size, allocated)
            } else {
                let at = RemoteAddress::new(address);
                self.diagnostics.count(Trouble::ImplausibleSize, at);
                (0, 0)
            };
            self.objects.size.push(size);
            self.objects.allocated.push(allocated);
        }
    }
}

/// Runs the second pass: threads take chunk after chunk, and this one puts the results
/// together in the order of the chunks.
pub(crate) fn describe<'a, M: Memory + 'a>(
    description: &Description<'_>,
    threads: usize,
    progress: &dyn Progress,
    make_reader: &(dyn Fn(usize) -> Reader<'a, M> + Sync),
) -> Result<Described, WalkError> {
    let mut all = Described::default();
    all.objects.reserve(description.numbers.len());
    let next_chunk = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(threads * 4);
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let sender = sender.clone();
                let next_chunk = &next_chunk;
                scope.spawn(move || {
                    let mut reader = make_reader(DESCRIBE_CACHE);
                    loop {
                        let chunk = next_chunk.fetch_add(1, Ordering::Relaxed);
                        if chunk >= description.numbers.chunks() || progress.cancelled() {
                            break;
                        }
                        let batch = description.chunk(&mut reader, chunk);
                        if sender.send((chunk, batch)).is_err() {
                            break;
                        }
                    }
                    reader.diagnostics
                })
            })
            .collect();
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (chunk, batch) in receiver {
            waiting.insert(chunk, batch?);
            while let Some(batch) = waiting.remove(&next) {
                progress.advance(batch.objects.len() as u64);
                all.append(&batch)?;
                next += 1;
            }
        }
        for worker in workers {
            let diagnostics = worker.join().map_err(|_| WalkError::ThreadFailed)?;
            all.diagnostics.merge(diagnostics);
        }
        if progress.cancelled() {
            return Err(WalkError::Cancelled);
        }
        Ok(all)
    })
}
