//! The first pass: which addresses are objects.
//!
//! The collector's lists give every tracked object. All others are found by reference: each
//! thread sweeps a part of memory in the order of addresses, marks what the objects there
//! refer to, and then follows what it found itself until nothing is new.

use crate::decode;
use crate::decode::scan::{self, LeftOut};
use crate::diagnostics::{Diagnostics, Trouble};
use crate::marks::Marked;
use crate::native;
use crate::owners::Claim;
use crate::reader::Reader;
use crate::runtime::{FrameState, ThreadState};
use crate::sink::{Hold, Sink, Step};
use crate::types::{Family, TypeInfo};
use exuvia_memory::{Fault, Memory, RemoteAddress};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many objects a thread takes from its own finds at once, sorted by address.
const BATCH: usize = 1 << 16;

/// The frames of suspended greenlets, as they are found.
#[derive(Debug, Default)]
pub(crate) struct Suspended(Mutex<SuspendedFrames>);

#[derive(Debug, Default)]
struct SuspendedFrames {
    /// Each greenlet with its frames, the innermost first, once, however often it is visited.
    greenlets: FxHashMap<RemoteAddress, Vec<FrameState>>,
    /// Those without an object.
    synthetic: FxHashSet<RemoteAddress>,
}

impl Suspended {
    fn lock(&self) -> MutexGuard<'_, SuspendedFrames> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, greenlet: RemoteAddress, frames: &[FrameState]) {
        let mut all = self.lock();
        let without_object = frames.iter().filter(|frame| frame.frame_obj.is_null());
        all.synthetic
            .extend(without_object.map(|frame| frame.address));
        all.greenlets.insert(greenlet, frames.to_vec());
    }

    /// Whether a frame without an object is there.
    fn contains(&self, address: RemoteAddress) -> bool {
        self.lock().synthetic.contains(&address)
    }

    /// The greenlets by address, each with its frames, the oldest first, as threads have
    /// them.
    pub(crate) fn into_threads(self) -> Vec<ThreadState> {
        let all = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut greenlets: Vec<_> = all.greenlets.into_iter().collect();
        greenlets.sort_unstable_by_key(|(greenlet, _)| *greenlet);
        let threads = greenlets.into_iter().map(|(greenlet, mut frames)| {
            frames.reverse();
            ThreadState::of_greenlet(greenlet, frames)
        });
        threads.collect()
    }
}

/// Marks what an object refers to, and remembers what is new.
struct Discover<'a> {
    claim: Claim<'a>,
    suspended: &'a Suspended,
    found: Vec<RemoteAddress>,
    /// Objects whose types are to be asked what they refer to.
    native: Vec<RemoteAddress>,
    /// Where a pointer of the object that is being visited leads to no object.
    impossible: Option<RemoteAddress>,
}

impl Discover<'_> {
    #[inline]
    fn meet(&mut self, target: RemoteAddress) {
        match self.claim.mark(target) {
            Marked::Now => self.found.push(target),
            Marked::Before => {}
            Marked::Impossible => self.impossible = Some(target),
        }
    }
}

impl Sink for Discover<'_> {
    #[inline]
    fn refer(&mut self, target: RemoteAddress, _: Step, hold: Hold) {
        // What is only borrowed may have ended; while it lives, its owner leads there too.
        if !target.is_null() && hold != Hold::Borrowed {
            self.meet(target);
        }
    }

    fn refer_by_word<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        word: RemoteAddress,
        _: Step,
        _: Hold,
    ) {
        // Most words are no pointers at all, and most pointers lead to what is known.
        if self.claim.marks.is_plausible(word)
            && !self.claim.marks.contains(word)
            && reader.looks_like_object(word)
        {
            self.meet(word);
        }
    }

    fn suspended(&mut self, greenlet: RemoteAddress, frames: &[FrameState]) {
        self.suspended.add(greenlet, frames);
    }
}

/// What a thread brings home.
pub(crate) struct Explored {
    pub(crate) diagnostics: Diagnostics,
    /// Objects whose types are to be asked what they refer to.
    pub(crate) native: Vec<RemoteAddress>,
}

/// What the threads share.
pub(crate) struct Discovery<'a> {
    /// The interpreter whose objects are looked for, and what is known so far.
    pub(crate) claim: Claim<'a>,
    /// Frames that run without an object.
    pub(crate) synthetic: &'a FxHashSet<RemoteAddress>,
    /// Frames of greenlets, which are found on the way.
    pub(crate) suspended: &'a Suspended,
    /// The next chunk of memory to sweep.
    pub(crate) next_chunk: &'a AtomicUsize,
    pub(crate) cancelled: &'a AtomicBool,
}

impl Discovery<'_> {
    /// One thread's part: sweeps chunks until none is left, then follows its finds.
    /// `seeds` are objects known before, which no list of the collector has.
    pub(crate) fn run<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        seeds: Vec<RemoteAddress>,
        tick: &dyn Fn(u64),
    ) -> Explored {
        let mut sink = self.sink(seeds);
        loop {
            let chunk = self.next_chunk.fetch_add(1, Ordering::Relaxed);
            if chunk >= self.claim.marks.chunks() || self.cancelled.load(Ordering::Relaxed) {
                break;
            }
            let mut swept = 0;
            let tracked = self.claim.marks.tracked_in(chunk);
            for object in tracked.filter(|&object| self.claim.has(object)) {
                self.visit(reader, object, &mut sink);
                swept += 1;
            }
            tick(swept);
        }
        while !sink.found.is_empty() && !self.cancelled.load(Ordering::Relaxed) {
            let at = sink.found.len().saturating_sub(BATCH);
            let mut batch = sink.found.split_off(at);
            batch.sort_unstable();
            tick(batch.len() as u64);
            for object in batch {
                self.visit(reader, object, &mut sink);
            }
        }
        Explored {
            diagnostics: std::mem::take(&mut reader.diagnostics),
            native: sink.native,
        }
    }

    /// Whether no thread will find anything more to sweep.
    pub(crate) fn is_swept(&self) -> bool {
        self.next_chunk.load(Ordering::Relaxed) >= self.claim.marks.chunks()
    }

    /// Scans the words of objects whose types could not be asked, which have been visited: only
    /// what they would have told is new. Returns what is.
    pub(crate) fn scan<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        objects: &[RemoteAddress],
    ) -> Vec<RemoteAddress> {
        let mut sink = self.sink(Vec::new());
        for &object in objects {
            let Some(info) = reader.type_of(object) else {
                continue;
            };
            let read = decode::unasked(reader, object, &info, &mut sink);
            // The words of an object itself could not be read at the visit either, and that was
            // counted.
            if read.is_err() && !info.scan {
                reader.diagnostics.count(Trouble::UnreadableObject, object);
            }
        }
        sink.found
    }

    fn left_out<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        info: &TypeInfo,
        sink: &mut Discover<'_>,
    ) -> Result<(), Fault> {
        match info.scan {
            true => scan::left_out(reader, object, info, LeftOut::Likely, sink),
            false => Ok(()),
        }
    }

    fn sink(&self, found: Vec<RemoteAddress>) -> Discover<'_> {
        Discover {
            claim: self.claim,
            suspended: self.suspended,
            found,
            native: Vec::new(),
            impossible: None,
        }
    }

    fn visit<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut Discover<'_>,
    ) {
        sink.impossible = None;
        let read = match reader.type_of(object) {
            Some(_) if !reader.is_in_use(object) => {
                self.claim.marks.unmark(object);
                reader.diagnostics.count(Trouble::Unfinished, object);
                return;
            }
            Some(info) => {
                if info.family == Family::Type {
                    // A class without instances is a row of the table of types too.
                    reader.type_at(object);
                }
                let read = decode::references(reader, object, &info, sink);
                if !reader.native.covers(object) || native::of(reader, object, &info).is_none() {
                    read
                } else {
                    sink.native.push(object);
                    read.and(self.left_out(reader, object, &info, sink))
                }
            }
            None if self.synthetic.contains(&object) || self.suspended.contains(object) => {
                decode::frame::synthetic(reader, object, sink)
            }
            None => {
                self.claim.marks.unmark(object);
                let trouble = reader.trouble_at(object);
                reader.diagnostics.count(trouble, object);
                return;
            }
        };
        if read.is_err() {
            reader.diagnostics.count(Trouble::UnreadableObject, object);
        }
        if let Some(target) = sink.impossible {
            let trouble = reader.trouble_at(target);
            let at = if trouble == Trouble::NotAnObject {
                object
            } else {
                target
            };
            reader.diagnostics.count(trouble, at);
        }
    }
}
