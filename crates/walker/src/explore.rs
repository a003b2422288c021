//! The first pass as a whole: threads that find objects, and rounds in which extension types are
//! asked for more.

use crate::diagnostics::Diagnostics;
use crate::discover::{Discovery, Explored};
use crate::native::Natives;
use crate::reader::Reader;
use crate::walk::{Progress, WalkError};
use exuvia_memory::{Memory, RemoteAddress};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many objects a thread begins with at least, where there are so many.
const SEEDS: usize = 4096;

/// Finds objects until none is new.
pub(crate) struct Explorer<'e, 'r, 'n, M> {
    pub(crate) threads: usize,
    pub(crate) new_reader: &'e (dyn Fn() -> Reader<'r, M> + Sync),
    pub(crate) natives: Natives<'n>,
    pub(crate) progress: &'e dyn Progress,
    pub(crate) tick: &'e (dyn Fn(u64) + Sync),
    /// How many objects were found, as `tick` was told.
    pub(crate) known_objects: &'e AtomicU64,
}

impl<'r, M: Memory> Explorer<'_, 'r, '_, M> {
    /// Follows what an interpreter's collector tracks, and some objects that are known besides.
    ///
    /// Objects of types that no table describes are asked once all others are found, which may
    /// bring new ones of either sort.
    pub(crate) fn run(
        &mut self,
        reader: &mut Reader<'r, M>,
        discovery: &Discovery<'_>,
        mut seeds: Vec<RemoteAddress>,
    ) -> Result<Diagnostics, WalkError> {
        let mut diagnostics = Diagnostics::default();
        loop {
            let explored = self.discover(reader, discovery, seeds)?;
            diagnostics.merge(explored.diagnostics);
            if explored.native.is_empty() || self.progress.cancelled() {
                return Ok(diagnostics);
            }
            let progress = self.progress;
            let objects = explored.native.len() as u64;
            progress.phase("asking extension types", Some(objects));
            let tick = |done| {
                progress.advance(done);
                !progress.cancelled()
            };
            let natives = &mut self.natives;
            natives.known_objects = self.known_objects.load(Ordering::Relaxed);
            let round = natives.round(reader, explored.native, discovery.claim, &tick);
            seeds = discovery.scan(reader, &round.failed);
            seeds.extend(round.found);
            progress.phase("finding objects", None);
        }
    }

    fn discover(
        &self,
        reader: &mut Reader<'r, M>,
        discovery: &Discovery<'_>,
        seeds: Vec<RemoteAddress>,
    ) -> Result<Explored, WalkError> {
        let mut parts = self.split(seeds);
        if !discovery.is_swept() {
            // There is work for all, beside the seeds.
            parts.resize(self.threads, Vec::new());
        }
        std::thread::scope(|scope| {
            let mut parts = parts.into_iter();
            let mine = parts.next().unwrap_or_default();
            let (new_reader, tick) = (self.new_reader, self.tick);
            let others: Vec<_> = parts
                .map(|part| scope.spawn(move || discovery.run(&mut new_reader(), part, tick)))
                .collect();
            let mut explored = discovery.run(reader, mine, tick);
            for other in others {
                let other = other.join().map_err(|_| WalkError::ThreadFailed)?;
                explored.diagnostics.merge(other.diagnostics);
                explored.native.extend(other.native);
            }
            Ok(explored)
        })
    }

    /// A part of the seeds for each thread; a few are not worth more than one.
    fn split(&self, seeds: Vec<RemoteAddress>) -> Vec<Vec<RemoteAddress>> {
        let size = seeds.len().div_ceil(self.threads).max(SEEDS);
        seeds.chunks(size).map(<[_]>::to_vec).collect()
    }
}
