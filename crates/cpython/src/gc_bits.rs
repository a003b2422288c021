//! Bits of `ob_gc_bits`, with which an object of a free-threaded build says what the
//! collector's head says in others.

/// The collector tracks it: `_PyGC_BITS_TRACKED`.
pub const TRACKED: u8 = 1 << 0;
/// References to it from the stacks of threads are not counted: `_PyGC_BITS_DEFERRED`.
pub const DEFERRED: u8 = 1 << 6;
