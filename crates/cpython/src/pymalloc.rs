//! pymalloc, CPython's allocator of small blocks (`Objects/obmalloc.c`), in builds with a lock.

use crate::{Flavor, Layout, Version};

/// Its sizes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pymalloc {
    /// `ARENA_SIZE`: what it asks the system for at a time.
    pub arena: u64,
    /// `POOL_SIZE`: what it gives to one size of blocks at a time; pools begin at multiples of it.
    pub pool: u64,
}

impl Layout {
    /// The sizes of pymalloc; none in a free-threaded build, which has mimalloc instead.
    ///
    /// 3.10 brought a radix tree by which a block's arena is found
    /// (<https://github.com/python/cpython/pull/14474>), and larger arenas and pools with it.
    pub fn pymalloc(&self) -> Option<Pymalloc> {
        match self.flavor {
            Flavor::FreeThreaded => None,
            Flavor::Gil if self.version < Version::new(3, 10, 0) => Some(Pymalloc {
                arena: 256 << 10,
                pool: 4 << 10,
            }),
            Flavor::Gil => Some(Pymalloc {
                arena: 1 << 20,
                pool: 16 << 10,
            }),
        }
    }
}
