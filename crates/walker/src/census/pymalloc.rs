//! pymalloc: arenas of pools, each of blocks of one size (`Objects/obmalloc.c`).
//!
//! Every pool that was ever in use begins with a `pool_header`, which has been the same in all
//! versions; what of an arena was never in use has none, and lies at its end.

use super::{CensusPlace, Taken, add};
use crate::reader::{pointer_in, u64_in};
use exuvia_cpython::Pymalloc as Sizes;
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_snapshot::Pymalloc;

/// `POOL_OVERHEAD`: bytes of the head of a pool.
const HEAD: u64 = 48;
/// `ALIGNMENT`: the step of the sizes of blocks.
const STEP: u64 = 16;
const PAGE: u64 = 4096;
/// `NB_SMALL_SIZE_CLASSES`.
const SIZES: u32 = 32;
/// How many pools are looked at before it is asked whether to stop.
const LOOK: u64 = 1 << 14;

/// Counts arenas, pools and blocks; none where there is no pool.
pub(super) fn count<M: Memory>(
    memory: &M,
    place: &CensusPlace<'_>,
    sizes: Sizes,
    taken: &mut Taken,
) -> Option<Pymalloc> {
    let mut found = Pymalloc::default();
    for area in place.anonymous {
        let mut arena: Option<Arena> = None;
        let mut at = area.start.next_multiple_of(sizes.pool);
        while at.saturating_add(sizes.pool) <= area.end {
            if (at / sizes.pool).is_multiple_of(LOOK) && (place.cancelled)() {
                return None;
            }
            if let Some(pool) = pool(memory, place, sizes, at) {
                if !arena
                    .as_ref()
                    .is_some_and(|arena| arena.has(at, &pool, sizes))
                {
                    if let Some(arena) = arena.take() {
                        arena.end(at, place, sizes, &mut found, taken);
                    }
                    arena = Some(Arena {
                        index: pool.arena,
                        first: at,
                        last: at,
                    });
                }
                if let Some(arena) = &mut arena {
                    arena.last = at;
                }
                found.add(&pool, place, sizes, at);
            }
            at += sizes.pool;
        }
        if let Some(arena) = arena {
            arena.end(area.end, place, sizes, &mut found, taken);
        }
    }
    (found.arenas > 0).then_some(found)
}

/// An arena, from its first pool on. The pools of an arena are taken into use in order, so that
/// the first is there always.
struct Arena {
    index: u32,
    /// Where its first pool lies, and the last that was found.
    first: u64,
    last: u64,
}

impl Arena {
    fn has(&self, at: u64, pool: &Pool, sizes: Sizes) -> bool {
        pool.arena == self.index && at < self.first + sizes.arena
    }

    /// Counts the arena; it ends where the next begins, if that is earlier.
    fn end(
        self,
        next: u64,
        place: &CensusPlace<'_>,
        sizes: Sizes,
        found: &mut Pymalloc,
        taken: &mut Taken,
    ) {
        // An arena begins with a page. Where pools are larger than that, it may have a piece
        // before its first pool, and then has room for one pool less.
        let uncertain = if sizes.pool > PAGE { sizes.pool } else { 0 };
        let certain = self.first + sizes.arena - uncertain;
        let range = self.first..certain.max(self.last + sizes.pool).min(next);
        found.arenas += 1;
        found.memory.bytes += sizes.arena;
        found.memory.resident += (place.resident)(&range);
        taken.push(range);
    }
}

/// What the head of a pool says.
struct Pool {
    arena: u32,
    block: u64,
    blocks: u64,
    used: u64,
}

/// The pool at an address, if one is there.
fn pool<M: Memory>(memory: &M, place: &CensusPlace<'_>, sizes: Sizes, at: u64) -> Option<Pool> {
    let mut head = [0; HEAD as usize];
    if (place.resident)(&(at..at + HEAD)) == 0 {
        return None;
    }
    memory.read_exact(RemoteAddress::new(at), &mut head).ok()?;
    // A union with a pointer that nobody uses: its other half is never written.
    let used = u64_in(&head, 0) & 0xffff_ffff;
    let free_block = pointer_in(&head, 8).get();
    let [arena, size_class] = halves(u64_in(&head, 32));
    let [next_offset, max_next_offset] = halves(u64_in(&head, 40)).map(u64::from);
    if size_class >= SIZES {
        return None;
    }
    let block = u64::from(size_class + 1) * STEP;
    let blocks = (sizes.pool - HEAD) / block;
    let in_pool = |address: u64| (at + HEAD..at + sizes.pool).contains(&address);
    let is_one = max_next_offset == sizes.pool - block
        && (HEAD..=sizes.pool).contains(&next_offset)
        && (next_offset - HEAD).is_multiple_of(block)
        && used <= blocks
        && (free_block == 0 || in_pool(free_block));
    is_one.then_some(Pool {
        arena,
        block,
        blocks,
        used,
    })
}

fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

trait Add {
    fn add(&mut self, pool: &Pool, place: &CensusPlace<'_>, sizes: Sizes, at: u64);
}

impl Add for Pymalloc {
    fn add(&mut self, pool: &Pool, place: &CensusPlace<'_>, sizes: Sizes, at: u64) {
        if pool.used == 0 {
            self.free_pools += 1;
            let range = at..at + sizes.pool;
            add(&mut self.free_pool_memory, place.portion(&range));
            return;
        }
        self.pools += 1;
        self.blocks += pool.used;
        self.used += pool.used * pool.block;
        self.free += (pool.blocks - pool.used) * pool.block;
        self.headers += HEAD;
        self.rounding += sizes.pool - HEAD - pool.blocks * pool.block;
    }
}
