//! mimalloc, CPython's allocator in free-threaded builds: where its segments, pages and heaps
//! keep what a search for objects needs, and whether the table is right about that.

use exuvia_memory::{Memory, PageCache, RemoteAddress};

use crate::spec::TableError;
use crate::validate::{Invalid, same, unreadable};
use crate::{Layout, mi_heap_s, mi_page_s, mi_segment_s};

/// Bytes of the steps at which segments begin: `MI_SEGMENT_SIZE`.
pub const SEGMENT_ALIGNMENT: u64 = 32 << 20;
/// Bytes of the slices that a segment is divided into: `MI_SEGMENT_SLICE_SIZE`.
pub const SLICE: u64 = 64 << 10;
/// Block sizes from here on do not fit into a page's field; its only block then fills the
/// page: `MI_HUGE_BLOCK_SIZE`.
const HUGE_BLOCK: u64 = 2 << 30;

/// Offsets of mimalloc's structs, as this build has them.
#[derive(Debug, Clone, Copy)]
pub struct Mimalloc<'a> {
    /// `mi_segment_t`
    pub segment: &'a mi_segment_s,
    /// `mi_page_t`
    pub page: &'a mi_page_s,
    /// `mi_heap_t`
    pub heap: &'a mi_heap_s,
    /// Where the heaps of a thread lie in its `_PyThreadStateImpl`, and how many there are.
    heaps: (u64, u64),
    /// Where the data of the thread lie that its heaps point back to.
    tld: u64,
    /// The tags of pages with objects that the collector may track: without anything before
    /// them, and with managed fields before them.
    gc: u64,
    gc_pre: u64,
    tag: Tag,
    first_block: FirstBlock,
}

/// Where a page keeps the tag of its heap.
#[derive(Debug, Clone, Copy)]
enum Tag {
    /// In some bits of a byte.
    Bits { byte: u64, shift: u64, mask: u8 },
    /// In a byte.
    Byte(u64),
}

/// Where the first block of a page lies.
#[derive(Debug, Clone, Copy)]
enum FirstBlock {
    /// At the start of the page's first slice; small blocks begin a little later, which keeps
    /// them from falling into the same cache lines in every page. CPython's mimalloc 2.1.2.
    AfterOffset,
    /// The page has a pointer to it. mimalloc 2.5.2.
    Pointer(u64),
}

/// The numbers of a page that its blocks follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageHead {
    /// Where its first slice lies.
    pub first_slice: RemoteAddress,
    /// Bytes of all of its slices.
    pub bytes: u64,
    /// What its field says that a block has; 0 in a free span, which is no page.
    pub block_size: u64,
    /// What its field says that the first block's address is, in builds that have it.
    pub page_start: Option<RemoteAddress>,
}

impl Layout {
    /// The offsets of mimalloc's structs; an error names what the table lacks.
    pub fn mimalloc(&self) -> Result<Mimalloc<'_>, TableError> {
        let structs = &self.structs;
        let page = required(structs.mi_page.as_ref(), "mi_page_s")?;
        let thread = required(structs.py_thread_state_impl.as_ref(), "_PyThreadStateImpl")?;
        let thread_field = |value, name| field(value, "_PyThreadStateImpl", name);
        let constant = |value: Option<i64>, name| {
            let value = value.and_then(|value| u64::try_from(value).ok());
            field(value, "enumerators", name)
        };
        let tag = match (page.heap_tag, page.tag_bit, page.tag_width) {
            (Some(byte), ..) => Tag::Byte(byte),
            (None, Some(bit), Some(width @ 1..8)) => Tag::Bits {
                byte: bit / 8,
                shift: bit % 8,
                mask: (1 << width) - 1,
            },
            _ => return Err(TableError::MissingField("mi_page_s", "heap_tag")),
        };
        Ok(Mimalloc {
            segment: required(structs.mi_segment.as_ref(), "mi_segment_s")?,
            page,
            heap: required(structs.mi_heap.as_ref(), "mi_heap_s")?,
            heaps: (
                thread_field(thread.mimalloc_heaps, "mimalloc_heaps")?,
                thread_field(thread.mimalloc_heaps_length, "mimalloc_heaps_length")?,
            ),
            tld: thread_field(thread.mimalloc_tld, "mimalloc_tld")?,
            gc: constant(self.constants.py_mimalloc_heap_gc, "_Py_MIMALLOC_HEAP_GC")?,
            gc_pre: constant(
                self.constants.py_mimalloc_heap_gc_pre,
                "_Py_MIMALLOC_HEAP_GC_PRE",
            )?,
            tag,
            first_block: match page.page_start {
                Some(at) => FirstBlock::Pointer(at),
                None => FirstBlock::AfterOffset,
            },
        })
    }

    /// Each heap of an interpreter's newest thread points back to the data of that thread:
    /// `tstate->mimalloc.heaps[i].tld` is `&tstate->mimalloc.tld`. Between these two lies
    /// everything whose size changes with the version of mimalloc.
    pub fn validate_mimalloc<M: Memory>(
        &self,
        cache: &mut PageCache<M>,
        interpreter: RemoteAddress,
    ) -> Result<(), Invalid> {
        let threads_head = self.structs.py_interpreter_state.threads_head;
        let thread = cache
            .pointer(interpreter.offset(threads_head))
            .map_err(unreadable("the state of the interpreter"))?;
        if thread.is_null() {
            return Ok(());
        }
        let mimalloc = self.mimalloc().map_err(Invalid::Table)?;
        let expected = thread.offset(mimalloc.tld);
        for heap in mimalloc.heaps_of(thread) {
            let found = cache
                .pointer(heap.offset(mimalloc.heap.tld))
                .map_err(unreadable("the state of a thread"))?;
            // A thread that has not run yet has no heaps.
            if !found.is_null() {
                same("tstate->mimalloc.heaps[i].tld", found, expected)?;
            }
        }
        Ok(())
    }
}

impl Mimalloc<'_> {
    /// The heaps of the thread whose state lies at an address, one for each sort of memory;
    /// their number is their tag.
    pub fn heaps_of(&self, thread: RemoteAddress) -> impl Iterator<Item = RemoteAddress> + use<> {
        let ((array, count), size) = (self.heaps, self.heap.size);
        (0..count).map(move |i| thread.offset(array + i * size))
    }

    /// How many bytes after its block an object begins in pages with a tag, apart from what a
    /// debug allocator adds; `None` when these pages hold something else.
    pub fn object_in_block(&self, tag: u64) -> Option<u64> {
        if tag == self.gc {
            Some(0)
        } else if tag == self.gc_pre {
            // `_PyType_PreHeaderSize`: the dictionary and the weak references.
            Some(16)
        } else {
            None
        }
    }

    /// The tag of a page, from the bytes of its `mi_page_t`; 0 when they are too few.
    pub fn tag(&self, page: &[u8]) -> u64 {
        let byte = |at: u64| page.get(at as usize).copied().unwrap_or(0);
        match self.tag {
            Tag::Bits {
                byte: at,
                shift,
                mask,
            } => u64::from(byte(at) >> shift & mask),
            Tag::Byte(at) => u64::from(byte(at)),
        }
    }

    /// How many blocks of a page are in use, from the bytes of its `mi_page_t`.
    pub fn used(&self, page: &[u8]) -> u32 {
        let byte = |at: u64| u32::from(page.get(at as usize).copied().unwrap_or(0));
        let low = byte(self.page.used) | byte(self.page.used + 1) << 8;
        match self.first_block {
            FirstBlock::AfterOffset => {
                low | byte(self.page.used + 2) << 16 | byte(self.page.used + 3) << 24
            }
            // 16 bits, with other fields behind them.
            FirstBlock::Pointer(_) => low,
        }
    }

    /// Where the field with the address of a page's first block lies, in builds that have it.
    pub fn page_start(&self) -> Option<u64> {
        match self.first_block {
            FirstBlock::AfterOffset => None,
            FirstBlock::Pointer(at) => Some(at),
        }
    }

    /// The address of a page's first block, and the bytes of each; `None` when the numbers
    /// are impossible.
    pub fn blocks(&self, page: &PageHead) -> Option<(RemoteAddress, u64)> {
        let size = if page.block_size < HUGE_BLOCK {
            page.block_size
        } else {
            page.bytes
        };
        let offset = match (self.first_block, page.page_start) {
            (FirstBlock::Pointer(_), Some(start)) => {
                start.get().checked_sub(page.first_slice.get())?
            }
            (FirstBlock::Pointer(_), None) => return None,
            (FirstBlock::AfterOffset, _) => match size {
                8..=64 => 3 * size,
                65..=512 => size,
                _ => 0,
            },
        };
        let fits = offset.checked_add(size)? <= page.bytes;
        (size >= 8 && fits).then(|| (page.first_slice.offset(offset), size))
    }
}

fn required<'a, T>(part: Option<&'a T>, name: &'static str) -> Result<&'a T, TableError> {
    part.ok_or(TableError::MissingStruct(name))
}

fn field(value: Option<u64>, of: &'static str, name: &'static str) -> Result<u64, TableError> {
    value.ok_or(TableError::MissingField(of, name))
}
