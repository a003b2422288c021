use serde::{Deserialize, Serialize};

/// Where the memory of a process is, beside its mappings: what its allocators hold, as far as
/// that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryFacts {
    /// How many threads' stacks there are.
    pub stacks: u64,
    /// The memory of the stacks.
    pub stack_memory: Portion,
    /// CPython's allocator of small blocks; none where it has no arena.
    pub pymalloc: Option<Pymalloc>,
    /// CPython's allocator in free-threaded builds; none where it has no segment.
    pub mimalloc: Option<Mimalloc>,
    /// The allocator of the C library, or the one in its place.
    pub c: CAllocator,
}

/// Bytes of some memory, and how many of them are in RAM.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portion {
    /// Bytes.
    pub bytes: u64,
    /// Those in RAM.
    pub resident: u64,
}

/// pymalloc: arenas of pools of blocks, as `sys._debugmallocstats` counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pymalloc {
    /// Arenas, and their memory.
    pub arenas: u64,
    /// Memory of all arenas.
    pub memory: Portion,
    /// Pools with a block in use.
    pub pools: u64,
    /// Blocks in use.
    pub blocks: u64,
    /// Bytes of the blocks in use.
    pub used: u64,
    /// Bytes of the free blocks in pools with a block in use.
    pub free: u64,
    /// Bytes of what such pools begin with.
    pub headers: u64,
    /// Bytes at the end of such pools that are too few for a block.
    pub rounding: u64,
    /// Pools that were in use and are not any more.
    pub free_pools: u64,
    /// The memory of those.
    pub free_pool_memory: Portion,
}

/// mimalloc: segments of pages of blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mimalloc {
    /// Segments.
    pub segments: u64,
    /// Memory of all segments.
    pub memory: Portion,
    /// Pages with a block in use.
    pub pages: u64,
    /// Blocks in use.
    pub blocks: u64,
    /// Bytes of the blocks in use.
    pub used: u64,
    /// Bytes of the free blocks in pages with a block in use.
    pub free: u64,
}

/// The allocator behind `malloc`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CAllocator {
    /// `glibc`, `musl`, `jemalloc`, `mimalloc`, `tcmalloc`, or nothing where it is not known.
    pub name: String,
    /// What `mallinfo2` says, called in a copy of the process.
    pub asked: Option<MallocInfo>,
    /// Why it was not asked.
    pub not_asked: Option<String>,
    /// What lies in the heaps of glibc; none for another allocator.
    pub heaps: Option<GlibcHeaps>,
}

/// `struct mallinfo2` of glibc, under its own names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MallocInfo {
    /// Bytes of all arenas, without blocks that are mapped one by one.
    pub arena: u64,
    /// How many free chunks there are.
    pub ordblks: u64,
    /// How many free chunks in fast bins.
    pub smblks: u64,
    /// How many blocks are mapped one by one.
    pub hblks: u64,
    /// Their bytes.
    pub hblkhd: u64,
    /// Always 0.
    pub usmblks: u64,
    /// Bytes of free chunks in fast bins.
    pub fsmblks: u64,
    /// Bytes in use.
    pub uordblks: u64,
    /// Free bytes.
    pub fordblks: u64,
    /// Free bytes at the top of the main heap.
    pub keepcost: u64,
}

/// What lies in the heaps of glibc's allocator, chunk by chunk. Chunks that wait in a thread's
/// cache or in a fast bin count as used: nothing in them says that they are free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlibcHeaps {
    /// Heaps: the one of `brk`, and those of other arenas.
    pub heaps: u64,
    /// Memory of the heaps; more than the three below where a heap could not be followed to its
    /// end.
    pub memory: Portion,
    /// Chunks in use.
    pub used: Portion,
    /// Free chunks.
    pub free: Portion,
    /// The free rest of each arena, from which new chunks are cut.
    pub top: Portion,
    /// What `malloc_trim` would give back: whole pages in free chunks, and of the main top.
    pub trimmable: u64,
    /// How many blocks are mapped one by one.
    pub mapped_blocks: u64,
    /// Their memory.
    pub mapped: Portion,
}
