//! The code that is put into a clone, there to make a list of system calls: a clone may have ten
//! thousand descriptors, and calls that a tracer makes one by one take a tenth of a millisecond.
//!
//! The code is position-independent and uses no stack. It is kept among this tool's constants
//! and never runs here. One file for each processor, with the same labels; what both share is the
//! list: a word with the number of calls, then a [`Call`] for each.
#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

unsafe extern "C" {
    /// The first instruction. The first argument is the address of the list.
    static exuvia_batch_start: u8;
    /// A trap: all calls are made.
    static exuvia_batch_done: u8;
    /// Behind the last instruction.
    static exuvia_batch_end: u8;
}

/// The code, to be copied to any address.
pub(crate) fn code() -> &'static [u8] {
    let (start, length) = (
        &raw const exuvia_batch_start,
        offset(&raw const exuvia_batch_end),
    );
    // SAFETY: both labels are in one section of constants, this one first, and what lies
    // between them is initialised and never written.
    unsafe { std::slice::from_raw_parts(start, length) }
}

/// Where the trap lies that says that all calls are made, in bytes from the start.
pub(crate) fn done() -> u64 {
    offset(&raw const exuvia_batch_done) as u64
}

fn offset(label: *const u8) -> usize {
    label.addr() - (&raw const exuvia_batch_start).addr()
}

/// A system call, as the code reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    pub(crate) number: i64,
    pub(crate) arguments: [u64; 6],
}

impl Call {
    /// Bytes in the list. The last word is the result, where the code writes it.
    pub(crate) const SIZE: usize = 64;
    /// Where the result lies within a call.
    pub(crate) const RESULT: usize = 56;

    /// A call with these arguments, the others being 0.
    pub(crate) fn new<const N: usize>(number: i64, given: [u64; N]) -> Self {
        let mut arguments = [0; 6];
        for (place, argument) in arguments.iter_mut().zip(given) {
            *place = argument;
        }
        Self { number, arguments }
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        let words = std::iter::once(self.number.cast_unsigned()).chain(self.arguments);
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trap_lies_within_the_code() {
        let length = code().len() as u64;
        assert!(length < 4096, "{length}");
        assert!(0 < done() && done() < length);
    }

    #[test]
    fn the_result_is_behind_the_arguments() {
        let bytes = Call::new(7, [1, 2, 3]).to_bytes();
        assert_eq!((bytes[0], bytes[8], bytes[24]), (7, 1, 3));
        assert_eq!(Call::RESULT + 8, Call::SIZE);
        assert_eq!(bytes[Call::RESULT..], [0; 8]);
    }
}
