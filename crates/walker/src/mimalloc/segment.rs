//! Segments: what one begins with, and its pages.

use super::{Finds, Search};
use crate::diagnostics::Trouble;
use crate::reader::{pointer_in, u64_in};
use exuvia_cpython::mimalloc::{PageHead, SLICE};
use exuvia_memory::{Fault, Memory, PageCache, RemoteAddress};

impl Search<'_> {
    /// Marks the tracked objects of the segment that begins at an address, if one does, and
    /// returns how many there are.
    pub(super) fn segment<M: Memory>(
        &self,
        cache: &mut PageCache<&M>,
        at: RemoteAddress,
        finds: &mut Finds,
    ) -> u64 {
        // Most places hold something else, or nothing.
        let Ok(Some(segment)) = self.head(cache, at) else {
            return 0;
        };
        let mut found = 0;
        self.spans(cache, &segment, finds, |cache, span, finds| {
            match self.page(cache, &segment, span, finds) {
                Ok(objects) => found += objects,
                Err(_) => finds.diagnostics.count(Trouble::BrokenSegment, span.entry),
            }
        });
        found
    }

    /// Hands what is said of each page in use of the segment that begins at an address, if one
    /// does, to `each`; returns how many slices the segment has.
    pub(super) fn pages<M: Memory>(
        &self,
        cache: &mut PageCache<&M>,
        at: RemoteAddress,
        finds: &mut Finds,
        mut each: impl FnMut(PageUse),
    ) -> Option<u64> {
        let segment = self.head(cache, at).ok()??;
        self.spans(cache, &segment, finds, |cache, span, _| {
            if let Ok(Some(page)) = self.page_use(cache, span) {
                each(page);
            }
        });
        Some(segment.slices)
    }

    /// How much of a page is in use; `None` for a free span, or one whose numbers are impossible.
    fn page_use<M: Memory>(
        &self,
        cache: &mut PageCache<&M>,
        span: &Span,
    ) -> Result<Option<PageUse>, Fault> {
        let p = self.mimalloc.page;
        let page = cache.bytes(span.entry, p.size as usize)?;
        let used = u64::from(self.mimalloc.used(&page));
        let head = self.page_head(&page, span);
        if head.block_size == 0 || used == 0 {
            return Ok(None);
        }
        let Some((_, block_size)) = self.mimalloc.blocks(&head) else {
            return Ok(None);
        };
        let blocks = u64::from(u64_in(&page, p.capacity) as u16);
        let fits = used <= blocks && blocks.saturating_mul(block_size) <= span.bytes;
        Ok(fits.then_some(PageUse {
            block_size,
            blocks,
            used,
        }))
    }

    fn page_head(&self, page: &[u8], span: &Span) -> PageHead {
        PageHead {
            first_slice: span.first_slice,
            bytes: span.bytes,
            block_size: self.block_size(page),
            page_start: self.mimalloc.page_start().map(|at| pointer_in(page, at)),
        }
    }

    /// Hands each page and free span of a segment to `each`.
    fn spans<M: Memory>(
        &self,
        cache: &mut PageCache<&M>,
        segment: &Segment,
        finds: &mut Finds,
        mut each: impl FnMut(&mut PageCache<&M>, &Span, &mut Finds),
    ) {
        let mut slice = segment.first;
        while slice < segment.entries {
            let entry = segment.entry(self, slice);
            let Ok(slices) = self.span(cache, entry) else {
                finds.diagnostics.count(Trouble::BrokenSegment, entry);
                break;
            };
            // A page of a huge segment is larger than the segment has entries.
            let next = slice.checked_add(slices).filter(|_| slices > 0);
            let Some(next) = next.filter(|&next| next <= segment.slices) else {
                finds.diagnostics.count(Trouble::BrokenSegment, entry);
                break;
            };
            let first_slice = segment.at.offset(slice * SLICE);
            let span = Span {
                entry,
                first_slice,
                bytes: slices * SLICE,
            };
            each(cache, &span, finds);
            slice = next;
        }
    }

    /// The head of a segment; `None` when what lies there is none.
    fn head<M: Memory>(
        &self,
        cache: &mut PageCache<&M>,
        at: RemoteAddress,
    ) -> Result<Option<Segment>, Fault> {
        let s = self.mimalloc.segment;
        let segment = Segment {
            at,
            entries: cache.u64(at.offset(s.slice_entries))?,
            slices: cache.u64(at.offset(s.segment_slices))?,
            first: cache.u64(at.offset(s.segment_info_slices))?,
            subprocess: match s.subproc {
                Some(subproc) => cache.pointer(at.offset(subproc))?,
                None => RemoteAddress::NULL,
            },
        };
        let used = cache.u64(at.offset(s.used))?;
        // One entry more than there are slices, for huge blocks with a large alignment.
        let is_one = (1..s.slices_length).contains(&segment.entries)
            && (1..=segment.entries).contains(&segment.first)
            && segment.slices >= segment.entries
            && (1..=segment.entries).contains(&used)
            && self.describes_itself(cache, &segment)?;
        Ok(is_one.then_some(segment))
    }

    /// The first slices of a segment hold its head: the first entry says so.
    fn describes_itself<M: Memory>(
        &self,
        cache: &mut PageCache<&M>,
        segment: &Segment,
    ) -> Result<bool, Fault> {
        Ok(self.span(cache, segment.entry(self, 0))? == segment.first)
    }

    /// How many slices there are in the page or the free span of an entry.
    fn span<M: Memory>(
        &self,
        cache: &mut PageCache<&M>,
        entry: RemoteAddress,
    ) -> Result<u64, Fault> {
        Ok(cache
            .u32(entry.offset(self.mimalloc.page.slice_count))?
            .into())
    }

    /// Marks the tracked objects of a page, if it has objects.
    fn page<M: Memory>(
        &self,
        cache: &mut PageCache<&M>,
        segment: &Segment,
        span: &Span,
        finds: &mut Finds,
    ) -> Result<u64, Fault> {
        let p = self.mimalloc.page;
        let &Span {
            entry,
            first_slice,
            bytes,
        } = span;
        let page = cache.bytes(entry, p.size as usize)?;
        let Some(before) = self.mimalloc.object_in_block(self.mimalloc.tag(&page)) else {
            return Ok(0);
        };
        let head = self.page_head(&page, span);
        if head.block_size == 0 || self.mimalloc.used(&page) == 0 {
            return Ok(0);
        }
        let heap = pointer_in(&page, p.xheap);
        let owner = self.heaps.owner(heap, segment.at, segment.subprocess);
        let Some(claim) = owner.and_then(|owner| self.claims.get(owner)) else {
            return Ok(0);
        };
        let Some((first_block, block_size)) = self.mimalloc.blocks(&head) else {
            finds.diagnostics.count(Trouble::BrokenSegment, entry);
            return Ok(0);
        };
        let area = super::page::Area {
            first_block,
            block_size,
            blocks: u64_in(&page, p.capacity) as u16,
            object: before + self.debug_head,
        };
        // The first block lies in the page, wherever in the address space that is.
        let before_first = first_block.get().wrapping_sub(first_slice.get());
        if u64::from(area.blocks).saturating_mul(block_size) > bytes.saturating_sub(before_first) {
            finds.diagnostics.count(Trouble::BrokenSegment, entry);
            return Ok(0);
        }
        let free = [p.free, p.local_free, p.xthread_free].map(|at| pointer_in(&page, at));
        self.objects(cache, &area, free, claim, finds)
    }

    fn block_size(&self, page: &[u8]) -> u64 {
        let word = u64_in(page, self.mimalloc.page.block_size);
        // The field has 32 bits where the place of the first block is no field.
        match self.mimalloc.page_start() {
            Some(_) => word,
            None => u64::from(word as u32),
        }
    }
}

/// How much of a page is in use.
pub(super) struct PageUse {
    pub(super) block_size: u64,
    /// How many blocks have been in use at least once.
    pub(super) blocks: u64,
    pub(super) used: u64,
}

/// A `mi_segment_t`.
struct Segment {
    at: RemoteAddress,
    /// How many entries its table of slices has.
    entries: u64,
    /// How many slices there are: more than entries in a huge segment.
    slices: u64,
    /// The first slice that does not hold the head.
    first: u64,
    /// Its `mi_subproc_t`, in builds that have it.
    subprocess: RemoteAddress,
}

/// A page or a free span of a segment.
struct Span {
    /// Its `mi_page_t`.
    entry: RemoteAddress,
    first_slice: RemoteAddress,
    bytes: u64,
}

impl Segment {
    fn entry(&self, search: &Search<'_>, slice: u64) -> RemoteAddress {
        let table = self.at.offset(search.mimalloc.segment.slices);
        table.offset(slice * search.mimalloc.page.size)
    }
}
