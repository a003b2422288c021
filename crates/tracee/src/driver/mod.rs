//! The code that is put into a clone, there to call functions of the target: for each object of
//! a list its type's `tp_traverse`, with a function of ours that writes down what is visited, or
//! a getter of its type, whose result is written down in the same way.
//!
//! The code is position-independent and calls nothing but the functions of the list. It is kept
//! among this tool's constants and never runs here. One file for each processor, with the
//! same labels; what both share is the [`Header`], through which code and tool talk.
#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

unsafe extern "C" {
    /// The first instruction. The first argument is the address of the header.
    static exuvia_driver_start: u8;
    /// A trap: all calls are made.
    static exuvia_driver_done: u8;
    /// A trap: there is no room for another referent. It goes on behind the trap.
    static exuvia_driver_full: u8;
    /// Behind the last instruction.
    static exuvia_driver_end: u8;
}

/// The code, to be copied to any address.
pub(crate) fn code() -> &'static [u8] {
    let (start, length) = (
        &raw const exuvia_driver_start,
        offset(&raw const exuvia_driver_end),
    );
    // SAFETY: both labels are in one section of constants, this one first, and what lies
    // between them is initialised and never written.
    unsafe { std::slice::from_raw_parts(start, length) }
}

/// Where the trap lies that says that all calls are made, in bytes from the start.
pub(crate) fn done() -> u64 {
    offset(&raw const exuvia_driver_done) as u64
}

/// Where the trap lies that asks for room, in bytes from the start.
pub(crate) fn full() -> u64 {
    offset(&raw const exuvia_driver_full) as u64
}

fn offset(label: *const u8) -> usize {
    label.addr() - (&raw const exuvia_driver_start).addr()
}

/// A call that is to be made, as the code reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) object: u64,
    /// `tp_traverse`, or a getter.
    pub(crate) function: u64,
    /// Of a traversal `tp_is_gc`, or 0: the object is passed over when it returns 0. Of a getter
    /// its `closure`.
    pub(crate) argument: u64,
    /// 0 for a traversal, 1 for a getter.
    pub(crate) kind: u64,
}

impl Item {
    /// Bytes in the list.
    pub(crate) const SIZE: u64 = 32;

    pub(crate) fn to_bytes(self) -> [u8; Self::SIZE as usize] {
        let mut bytes = [0; Self::SIZE as usize];
        let words = [self.object, self.function, self.argument, self.kind];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// What the code works on: eight words in the clone, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Header {
    /// How many items there are.
    pub(crate) items: u64,
    /// The item whose call is being made.
    pub(crate) current: u64,
    /// How many referents there is room for.
    pub(crate) capacity: u64,
    /// How many are written.
    pub(crate) length: u64,
    /// How many were written before and taken away to make room.
    pub(crate) taken: u64,
    /// The address of the items.
    pub(crate) items_at: u64,
    /// The address of a word for each item: how many referents there were when its call
    /// ended, those of the items before included.
    pub(crate) ends_at: u64,
    /// The address of the referents.
    pub(crate) referents_at: u64,
}

impl Header {
    /// Bytes of it.
    pub(crate) const SIZE: usize = 64;
    /// Where `current` lies.
    pub(crate) const CURRENT: u64 = 8;

    pub(crate) fn to_bytes(self) -> [u8; Self::SIZE] {
        let words = [
            self.items,
            self.current,
            self.capacity,
            self.length,
            self.taken,
            self.items_at,
            self.ends_at,
            self.referents_at,
        ];
        let mut bytes = [0; Self::SIZE];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; Self::SIZE]) -> Self {
        let mut words = bytes
            .as_chunks()
            .0
            .iter()
            .map(|&word| u64::from_le_bytes(word));
        let mut next = || words.next().unwrap_or_default();
        Self {
            items: next(),
            current: next(),
            capacity: next(),
            length: next(),
            taken: next(),
            items_at: next(),
            ends_at: next(),
            referents_at: next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_traps_lie_within_the_code() {
        let length = code().len() as u64;
        assert!(length < 4096, "{length}");
        assert!(0 < full() && full() < done() && done() < length);
    }

    #[test]
    fn a_header_survives_as_bytes() {
        let header = Header {
            items: 1,
            current: 2,
            capacity: 3,
            length: 4,
            taken: 5,
            items_at: 6,
            ends_at: 7,
            referents_at: 8,
        };
        assert_eq!(Header::from_bytes(&header.to_bytes()), header);
    }
}
