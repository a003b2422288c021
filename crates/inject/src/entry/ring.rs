//! The rings of pending calls.

use exuvia_cpython::{_pending_calls, Layout};
use exuvia_memory::{Fault, Memory, RemoteAddress};

use super::read::Reader;

/// More than any ring has.
const MAX_ENTRIES: u64 = 4096;

/// A `_pending_calls`: functions that a thread is to call when it next looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// Where it is.
    pub address: RemoteAddress,
    /// The index of the entry that is called next.
    pub first: u32,
    /// The index of the first free one.
    pub last: u32,
    /// How many entries there are room for.
    pub length: u32,
    /// How many wait.
    pub waiting: u32,
    /// How many may wait.
    pub limit: u32,
    /// Entries of which one that waits has its argument in the ring itself: texts of other tools
    /// such as this.
    pub(super) texts: Vec<u32>,
    /// Where its lock has the word that says whether it is free.
    pub(super) lock: Lock,
    /// Whether it takes no more calls, since the interpreter ends. Up to 3.8.
    pub is_finishing: bool,
    /// Whether a thread is calling its entries now, where that is written down, from 3.12.
    pub is_served: bool,
}

/// The lock of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// A semaphore, whose value is 1 when the lock is free. Up to 3.12.
    Semaphore {
        /// Null before the interpreter is up, and after its end.
        address: RemoteAddress,
        value: u32,
    },
    /// A `PyMutex`, a byte that is 0 when it is free. From 3.13.
    Mutex { address: RemoteAddress, bits: u8 },
}

impl Ring {
    pub(super) fn read<M: Memory>(
        memory: &Reader<'_, M>,
        layout: &Layout,
        address: RemoteAddress,
    ) -> Result<Self, Fault> {
        let p = &layout.structs.pending_calls;
        let word = |at: u64| memory.u32(address.offset(at));
        let optional = |at: Option<u64>| at.map_or(Ok(0), word);
        let length = p.calls_length.clamp(1, MAX_ENTRIES) as u32;
        // What is no index is hostile.
        let (first, last) = (word(p.first)? % length, word(p.last)? % length);
        let (waiting, limit) = match (p.npending, p.max) {
            (Some(npending), Some(max)) => (word(npending)?, word(max)?.min(length)),
            // Where nothing counts them, one entry stays free, to tell a full ring.
            _ => ((last + length - first) % length, length - 1),
        };
        let texts = texts(memory, layout, address, (first, waiting))?;
        let is_busy = match p.handling_thread {
            Some(at) => !memory.pointer(address.offset(at))?.is_null(),
            None => optional(p.busy)? != 0,
        };
        Ok(Self {
            address,
            first,
            last,
            length,
            waiting,
            limit,
            texts,
            lock: Lock::read(memory, layout, address.offset(p.lock))?,
            is_finishing: optional(p.finishing)? != 0,
            is_served: is_busy,
        })
    }

    /// Whether a call can be added now: there is room, and nobody is at work on the ring.
    pub fn is_open(&self) -> bool {
        self.waiting < self.limit && !self.is_finishing && self.lock.is_free()
    }
}

fn texts<M: Memory>(
    memory: &Reader<'_, M>,
    layout: &Layout,
    address: RemoteAddress,
    (first, waiting): (u32, u32),
) -> Result<Vec<u32>, Fault> {
    let p = &layout.structs.pending_calls;
    let (length, size) = (p.calls_length.clamp(1, MAX_ENTRIES), p.entry_size().max(1));
    let mut texts = Vec::new();
    for number in 0..u64::from(waiting).min(length) {
        let index = (u64::from(first) + number) % length;
        let entry = address.offset(p.calls + index * size);
        let argument = memory.u64(entry.offset(_pending_calls::ARG))?;
        let within = argument.wrapping_sub(address.get().wrapping_add(p.calls));
        if within < length * size {
            texts.push((within / size) as u32);
        }
    }
    Ok(texts)
}

impl Lock {
    fn read<M: Memory>(
        memory: &Reader<'_, M>,
        layout: &Layout,
        at: RemoteAddress,
    ) -> Result<Self, Fault> {
        // From 3.13, which counts what waits, the lock is in the ring itself.
        if layout.structs.pending_calls.npending.is_some() {
            let bits = memory.u8(at)?;
            return Ok(Self::Mutex { address: at, bits });
        }
        let address = memory.pointer(at)?;
        let value = match address.is_null() {
            true => 0,
            false => memory.u32(address)?,
        };
        Ok(Self::Semaphore { address, value })
    }

    pub(super) fn is_free(self) -> bool {
        match self {
            Self::Semaphore { value, .. } => value == 1,
            Self::Mutex { bits, .. } => bits == 0,
        }
    }
}
