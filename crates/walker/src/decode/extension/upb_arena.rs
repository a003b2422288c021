//! `upb_Arena`: blocks of memory that are given back all at once. Arenas whose messages
//! refer to each other are fused, and live until the last of them is let go.
//!
//! Facts: `upb/mem/arena.c` and `upb/mem/internal/arena.h` of protobuf. Layouts changed in
//! ways that no version says in the target: the one is taken whose pointers lead back to
//! where they come from.

use super::SharedBlock;
use crate::diagnostics::Trouble;
use crate::reader::Reader;
use exuvia_memory::{Fault, Memory, RemoteAddress};
use rustc_hash::FxHashSet;

/// The most arenas that are fused, and the most blocks of one.
const MAX_ARENAS: usize = 1 << 20;
const MAX_BLOCKS: usize = 1 << 24;

/// Offsets from the start of what arenas link to each other by.
#[derive(Clone, Copy)]
struct Layout {
    /// Where that is in a `upb_Arena`.
    internal: u64,
    block_alloc: u64,
    parent_or_count: u64,
    next: u64,
    /// The last arena of those that are fused.
    tail: u64,
    /// Whether the lowest bit of `tail` says that it is the last, and the pointer otherwise
    /// is to the one before.
    tagged_tail: bool,
    blocks: u64,
    /// The sum of the blocks, where it is kept.
    space_allocated: Option<u64>,
}

const LAYOUTS: [Layout; 4] = [
    // 5.32 and later.
    Layout {
        internal: 16,
        block_alloc: 0,
        blocks: 8,
        space_allocated: Some(24),
        parent_or_count: 40,
        next: 48,
        tail: 56,
        tagged_tail: true,
    },
    // 6.30 and 6.31.
    Layout {
        internal: 16,
        block_alloc: 0,
        parent_or_count: 16,
        next: 24,
        tail: 32,
        tagged_tail: true,
        blocks: 40,
        space_allocated: Some(48),
    },
    // 5.26 to 5.29.
    Layout {
        internal: 16,
        block_alloc: 0,
        parent_or_count: 8,
        next: 16,
        tail: 24,
        tagged_tail: false,
        blocks: 32,
        space_allocated: None,
    },
    // 4.24 and 4.25: links lead to the arenas themselves.
    Layout {
        internal: 0,
        block_alloc: 16,
        parent_or_count: 24,
        next: 32,
        tail: 40,
        tagged_tail: false,
        blocks: 48,
        space_allocated: None,
    },
];

/// Hands over the memory of an arena and of those that it is fused with; a diagnostic when
/// it is laid out in no way that is known.
pub(super) fn blocks<M: Memory>(
    reader: &mut Reader<'_, M>,
    arena: RemoteAddress,
    object: RemoteAddress,
    each: &mut dyn FnMut(SharedBlock),
) -> Result<(), Fault> {
    if arena.is_null() {
        return Ok(());
    }
    for layout in LAYOUTS {
        let first = arena.offset(layout.internal);
        // In another layout a pointer leads anywhere.
        if layout.fits(reader, first).unwrap_or(false) {
            return layout.fused(reader, first, object, each);
        }
    }
    if let Ok(Some(block)) = rooted(reader, arena) {
        each(block);
        return Ok(());
    }
    reader
        .diagnostics
        .count(Trouble::UnknownNativeMemory, object);
    Ok(())
}

/// The memory of an arena as 4.21 to 4.23 have it: those that are fused form a tree, whose
/// root has the blocks of all. `None` when it is no such arena.
fn rooted<M: Memory>(
    reader: &mut Reader<'_, M>,
    arena: RemoteAddress,
) -> Result<Option<SharedBlock>, Fault> {
    /// Behind a function, two pointers into a block, and a list.
    const BLOCK_ALLOC: u64 = 32;
    const PARENT: u64 = 48;
    const BLOCKS: u64 = 56;
    let mut root = arena;
    for _ in 0..MAX_ARENAS {
        reader.spend(root, 8)?;
        let function = reader.cache.pointer(root)?;
        let alloc = reader.cache.pointer(root.offset(BLOCK_ALLOC))?;
        if !reader.is_in_image(function) || !reader.is_in_image(alloc) {
            return Ok(None);
        }
        let parent = reader.cache.pointer(root.offset(PARENT))?;
        if parent == root {
            let first = reader.cache.pointer(root.offset(BLOCKS))?;
            let bytes = sum(reader, first)?;
            let block = SharedBlock {
                address: root,
                bytes,
            };
            return Ok(Some(block).filter(|block| block.bytes <= reader.memory_bytes));
        }
        root = parent;
    }
    Ok(None)
}

/// Bytes of a list of blocks: each begins with the address of the next, then has its size.
fn sum<M: Memory>(reader: &mut Reader<'_, M>, first: RemoteAddress) -> Result<u64, Fault> {
    let mut block = first;
    let mut bytes: u64 = 0;
    for _ in 0..MAX_BLOCKS {
        if block.is_null() {
            break;
        }
        reader.spend(block, 2)?;
        let size = u64::from(reader.cache.u32(block.offset(8))?);
        bytes = bytes.saturating_add(size);
        block = reader.cache.pointer(block)?;
    }
    Ok(bytes)
}

impl Layout {
    /// Whether an arena is laid out like this.
    fn fits<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        at: RemoteAddress,
    ) -> Result<bool, Fault> {
        // The lowest bit says whether there is a block that the caller gave.
        let alloc = reader.cache.u64(at.offset(self.block_alloc))? & !1;
        let parent_or_count = reader.cache.u64(at.offset(self.parent_or_count))?;
        let tail = reader.cache.u64(at.offset(self.tail))?;
        let blocks = reader.cache.pointer(at.offset(self.blocks))?;
        let is_root = parent_or_count & 1 == 1;
        let is_count = is_root && parent_or_count >> 1 < 1 << 32;
        let is_alone = reader.cache.u64(at.offset(self.next))? == 0
            && tail & !u64::from(self.tagged_tail) == at.get();
        // One that is alone leads to itself; one that is fused, to another like it.
        let other = RemoteAddress::new(match (is_root, is_alone) {
            (true, true) => at.get(),
            (true, false) => reader.cache.u64(at.offset(self.next))?,
            (false, _) => parent_or_count,
        });
        let alloc = RemoteAddress::new(alloc);
        let is_tail = if self.tagged_tail {
            tail & !1 != 0
        } else {
            tail & 1 == 0
        };
        Ok(reader.is_in_image(alloc)
            && (is_count || !is_root)
            && is_tail
            && blocks.is_aligned(8)
            && other.is_aligned(8)
            && reader.cache.u64(other.offset(self.block_alloc))? & !1 == alloc.get())
    }

    /// Hands over the memory of all arenas that are fused with one.
    fn fused<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        first: RemoteAddress,
        object: RemoteAddress,
        each: &mut dyn FnMut(SharedBlock),
    ) -> Result<(), Fault> {
        let mut seen = FxHashSet::default();
        let mut at = self.root(reader, first)?;
        while !at.is_null() && seen.len() < MAX_ARENAS && seen.insert(at) {
            reader.spend(at, 8)?;
            self.own(reader, at, object, each)?;
            at = reader.cache.pointer(at.offset(self.next))?;
        }
        Ok(())
    }

    /// The arena that leads the list of those that are fused.
    fn root<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        first: RemoteAddress,
    ) -> Result<RemoteAddress, Fault> {
        let mut at = first;
        for _ in 0..MAX_ARENAS {
            reader.spend(at, 1)?;
            let parent = reader.cache.u64(at.offset(self.parent_or_count))?;
            if parent & 1 == 1 || parent == 0 {
                break;
            }
            at = RemoteAddress::new(parent);
        }
        Ok(at)
    }

    /// Hands over the memory of one arena.
    fn own<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        at: RemoteAddress,
        object: RemoteAddress,
        each: &mut dyn FnMut(SharedBlock),
    ) -> Result<(), Fault> {
        let bytes = match self.space_allocated {
            Some(space) => reader.cache.u64(at.offset(space))?,
            None => {
                let first = reader.cache.pointer(at.offset(self.blocks))?;
                sum(reader, first)?
            }
        };
        if bytes > reader.memory_bytes {
            reader
                .diagnostics
                .count(Trouble::UnknownNativeMemory, object);
            return Ok(());
        }
        each(SharedBlock { address: at, bytes });
        Ok(())
    }
}
