//! Rows of memory add up, whatever the facts are. What real processes have is compared with what the
//! kernel says in the tests of the command line.

use crate::builder::Builder;
use exuvia_query::{MemoryPart, MemoryReport, NoMemoryFacts};
use exuvia_snapshot::{CAllocator, GlibcHeaps, Mapping, MemoryFacts, Portion, Pymalloc};

fn mapping(permissions: &str, path: &str, resident: u64) -> Mapping {
    Mapping {
        end: 1 << 40,
        permissions: permissions.to_owned(),
        path: path.to_owned(),
        resident,
        proportional: resident / 2,
        ..Mapping::default()
    }
}

fn mappings() -> Vec<Mapping> {
    vec![
        mapping("rw-p", "", 100_000),
        mapping("r-xp", "/lib/libc.so.6", 7_000),
        mapping("rw-s", "", 3_000),
        mapping("r--p", "/usr/share/zoneinfo/UTC", 500),
    ]
}

fn whole(resident: u64) -> Portion {
    Portion {
        bytes: resident,
        resident,
    }
}

fn bytes(report: &MemoryReport<'_>, part: MemoryPart) -> u64 {
    let row = report.rows.iter().find(|row| row.part == part);
    row.unwrap().bytes
}

#[test]
fn a_snapshot_may_say_nothing_of_memory() {
    let heap = Builder::default().finish();
    assert_eq!(heap.memory().unwrap_err(), NoMemoryFacts);
}

#[test]
fn what_is_in_use_comes_before_what_is_free() {
    let mut builder = Builder::default();
    let object = builder.object("shop.Item");
    builder.root("i0_modules", object);
    // Nobody holds it.
    builder.object("shop.Item");
    let facts = MemoryFacts {
        pymalloc: Some(Pymalloc {
            memory: whole(50_000),
            used: 100,
            free: 20_000,
            headers: 48,
            ..Pymalloc::default()
        }),
        stack_memory: whole(1_000),
        c: CAllocator {
            heaps: Some(GlibcHeaps {
                memory: whole(30_000),
                used: whole(10_000),
                free: whole(15_000),
                top: whole(5_000),
                ..GlibcHeaps::default()
            }),
            ..CAllocator::default()
        },
        ..MemoryFacts::default()
    };
    builder.memory(facts, mappings());
    let heap = builder.finish();
    let report = heap.memory().unwrap();
    for (part, expected) in [
        // Of each object the builder says 16 bytes.
        (MemoryPart::Objects, 16),
        (MemoryPart::Garbage, 16),
        (MemoryPart::PymallocOther, 68),
        (MemoryPart::PymallocFree, 20_000),
        (MemoryPart::PymallocLost, 48),
        (MemoryPart::PymallocUnused, 50_000 - 20_148),
        (MemoryPart::MallocOther, 10_000),
        (MemoryPart::MallocFree, 15_000),
        (MemoryPart::MallocTop, 5_000),
        (MemoryPart::Stacks, 1_000),
        (MemoryPart::Unexplained, 19_000),
        (MemoryPart::Images, 7_000),
        (MemoryPart::Shared, 3_000),
        (MemoryPart::Files, 500),
    ] {
        assert_eq!(bytes(&report, part), expected, "{part:?}");
    }
    assert_eq!((report.total, report.proportional), (110_500, 55_250));
    assert_eq!((report.relief.garbage.objects, report.not_resident), (1, 0));
}

/// They come from a file that anybody may have written.
#[test]
fn facts_that_can_not_be_add_up_as_well() {
    let most = Portion {
        bytes: u64::MAX,
        resident: u64::MAX,
    };
    let facts = MemoryFacts {
        stack_memory: whole(60_000),
        pymalloc: Some(Pymalloc {
            memory: most,
            used: u64::MAX,
            free: u64::MAX,
            headers: u64::MAX,
            rounding: u64::MAX,
            ..Pymalloc::default()
        }),
        c: CAllocator {
            heaps: Some(GlibcHeaps {
                memory: most,
                used: most,
                free: most,
                top: most,
                mapped: most,
                ..GlibcHeaps::default()
            }),
            ..CAllocator::default()
        },
        ..MemoryFacts::default()
    };
    let mut builder = Builder::default();
    builder.memory(facts, mappings());
    let heap = builder.finish();
    let report = heap.memory().unwrap();
    assert_eq!((report.total, report.proportional), (110_500, 55_250));
    assert_eq!(bytes(&report, MemoryPart::Stacks), 60_000);
    assert_eq!(bytes(&report, MemoryPart::Unexplained), 0);
}
