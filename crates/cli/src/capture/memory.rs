//! Where the memory of a process is: what its mappings take, and what its allocators hold.

use super::native::ClonedCode;
use exuvia_cpython::Layout;
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_snapshot::{CAllocator, MallocInfo, Mapping as MappingRow, MemoryFacts};
use exuvia_tracee::{self as tracee, CoreFile, Mapping, MappingUsage, Mappings, Process};
use exuvia_walker::{Census, CensusPlace};
use std::ops::Range;

/// What is asked of a process while it runs, before it is stopped: a copy of it shares its pages
/// with it, so that less of them would be its own, and has not all pages of files.
pub(super) struct Before {
    usage: Vec<MappingUsage>,
    allocator: tracee::CAllocator,
}

impl Before {
    pub(super) fn ask(process: &Process, mappings: &Mappings) -> Self {
        Self {
            // Without it the rows have no share of anything.
            usage: MappingUsage::read(process.pid()).unwrap_or_default(),
            allocator: tracee::CAllocator::find(process, mappings),
        }
    }
}

/// A process or copy whose memory is counted.
pub(super) struct Counted<'a, M> {
    pub(super) memory: &'a M,
    pub(super) layout: &'a Layout,
    pub(super) mappings: &'a Mappings,
    /// Where the threads have their stacks.
    pub(super) stack_pointers: &'a [u64],
    /// How many bytes of some memory are in RAM.
    pub(super) resident: &'a dyn Fn(&Range<u64>) -> u64,
    /// Whether to stop early.
    pub(super) cancelled: &'a dyn Fn() -> bool,
}

/// Who is asked what the C allocator holds.
pub(super) enum Ask<'a, 'c> {
    /// The allocator itself.
    Code(&'a mut ClonedCode<'c>),
    /// Nobody, for this reason.
    Not(&'static str),
}

impl<M: Memory> Counted<'_, M> {
    /// Counts what the allocators hold.
    pub(super) fn facts(&self, allocator: tracee::CAllocator, ask: Ask<'_, '_>) -> MemoryFacts {
        let anonymous = joined(self.mappings.iter().filter(is_heap_memory));
        let heap = joined(self.mappings.iter().filter(|one| is_named(one, "[heap]")));
        let stacks: Vec<_> = self.stacks().collect();
        let Census {
            pymalloc,
            mimalloc,
            glibc,
            stack_memory,
        } = exuvia_walker::census(
            self.memory,
            &CensusPlace {
                layout: self.layout,
                anonymous: &anonymous,
                heap: heap.first(),
                stacks: &stacks,
                is_glibc: matches!(allocator, tracee::CAllocator::Glibc { .. }),
                resident: self.resident,
                cancelled: self.cancelled,
            },
        );
        let (asked, not_asked) = match asked(allocator, ask) {
            Ok(info) => (Some(info), None),
            Err(reason) => (None, Some(reason)),
        };
        MemoryFacts {
            stacks: stacks.len() as u64,
            stack_memory,
            pymalloc,
            mimalloc,
            c: CAllocator {
                name: name(allocator).to_owned(),
                asked,
                not_asked,
                heaps: glibc,
            },
        }
    }

    /// The mappings in which threads have their stacks.
    fn stacks(&self) -> impl Iterator<Item = Range<u64>> {
        let pointers = self.stack_pointers;
        let stacks = self.mappings.iter().filter(move |mapping| {
            let has_pointer = |&pointer: &u64| mapping.contains(RemoteAddress::new(pointer));
            let is_main = is_named(mapping, "[stack]");
            is_main || (is_heap_memory(mapping) && pointers.iter().any(has_pointer))
        });
        stacks
            .filter(|mapping| !is_named(mapping, "[heap]"))
            .map(range)
    }
}

fn name(allocator: tracee::CAllocator) -> &'static str {
    match allocator {
        tracee::CAllocator::Glibc { .. } => "glibc",
        tracee::CAllocator::Musl => "musl",
        tracee::CAllocator::Other(name) => name,
        tracee::CAllocator::Unknown => "",
    }
}

/// Asks the C allocator, or says why not.
fn asked(allocator: tracee::CAllocator, ask: Ask<'_, '_>) -> Result<MallocInfo, String> {
    let mallinfo2 = match allocator {
        tracee::CAllocator::Glibc {
            mallinfo2: Some(mallinfo2),
        } => mallinfo2,
        tracee::CAllocator::Glibc { mallinfo2: None } => {
            return Err("this glibc has no mallinfo2, which came with 2.33".to_owned());
        }
        tracee::CAllocator::Musl => return Err("musl has no mallinfo2".to_owned()),
        tracee::CAllocator::Other(name) => return Err(format!("{name} is asked nothing")),
        tracee::CAllocator::Unknown => return Err("its allocator is not known".to_owned()),
    };
    match ask {
        Ask::Code(code) => code.mallinfo2(mallinfo2),
        Ask::Not(reason) => Err(reason.to_owned()),
    }
}

/// Memory in which allocators keep blocks: private, without a file, to be written.
fn is_heap_memory(mapping: &&Mapping) -> bool {
    let permissions = mapping.permissions;
    let is_open = permissions.readable && permissions.writable;
    is_open && mapping.is_private_anonymous() && !is_named(mapping, "[stack]")
}

fn is_named(mapping: &Mapping, name: &str) -> bool {
    let path = mapping.path.as_ref();
    path.is_some_and(|path| path.as_os_str() == name)
}

fn range(mapping: &Mapping) -> Range<u64> {
    mapping.start.get()..mapping.end.get()
}

/// The ranges of mappings, neighbours as one.
fn joined<'a>(mappings: impl Iterator<Item = &'a Mapping>) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for mapping in mappings {
        let range = range(mapping);
        match ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => ranges.push(range),
        }
    }
    ranges
}

/// The rows of mappings of which it was not asked how much of them there is.
pub(super) fn bare_rows(mappings: &Mappings) -> Vec<MappingRow> {
    mappings
        .iter()
        .map(|mapping| row(mapping, &MappingUsage::default()))
        .collect()
}

/// The rows of a process that stood still while it was asked.
pub(super) fn rows(mappings: &Mappings, usage: &[MappingUsage]) -> Vec<MappingRow> {
    mappings
        .iter()
        .map(|mapping| row(mapping, &of(usage, mapping).unwrap_or_default()))
        .collect()
}

/// The rows of a process of which a clone was made. Of private memory the clone tells what was
/// there at that moment, but shares it with the process, which told its own share before. All else
/// the process has told.
pub(super) fn rows_of_clone(
    clone: (&Mappings, &[MappingUsage]),
    process: &Mappings,
    before: &Before,
) -> Vec<MappingRow> {
    let (mappings, usage) = clone;
    let mut rows: Vec<_> = mappings
        .iter()
        .map(|mapping| {
            let earlier = of(&before.usage, mapping);
            let now = of(usage, mapping).unwrap_or_default();
            let used = match earlier {
                None => now,
                Some(earlier) if mapping.is_private_anonymous() => MappingUsage {
                    proportional: share(now.resident, &earlier),
                    ..now
                },
                Some(earlier) => earlier,
            };
            row(mapping, &used)
        })
        .collect();
    // What a clone does not get (`MADV_DONTFORK`).
    let is_left_out = |mapping: &&Mapping| mappings.containing(mapping.start).is_none();
    rows.extend(process.iter().filter(is_left_out).filter_map(|mapping| {
        let used = of(&before.usage, mapping)?;
        (used.resident > 0).then(|| row(mapping, &used))
    }));
    rows.sort_by_key(|row| row.start);
    rows
}

/// What of some resident bytes is the process's own share, when it was so much before.
fn share(resident: u64, before: &MappingUsage) -> u64 {
    match before.resident {
        0 => resident,
        all => {
            (u128::from(resident) * u128::from(before.proportional.min(all)) / u128::from(all))
                as u64
        }
    }
}

fn of(usage: &[MappingUsage], mapping: &Mapping) -> Option<MappingUsage> {
    let found = usage.binary_search_by_key(&mapping.start, |one| one.start);
    usage.get(found.ok()?).copied()
}

fn row(mapping: &Mapping, usage: &MappingUsage) -> MappingRow {
    MappingRow {
        start: mapping.start.get(),
        end: mapping.end.get(),
        permissions: mapping.permissions.to_string(),
        offset: mapping.offset,
        path: mapping
            .path
            .as_ref()
            .map_or_else(String::new, |path| path.display().to_string()),
        resident: usage.resident,
        proportional: usage.proportional,
        swapped: usage.swapped,
    }
}

impl Before {
    pub(super) fn allocator(&self) -> tracee::CAllocator {
        self.allocator
    }
}

/// What a core has of some memory.
pub(super) fn present(core: &CoreFile, range: &Range<u64>) -> u64 {
    let parts = core.memory().present(range.clone());
    parts.map(|part| part.end - part.start).sum()
}
