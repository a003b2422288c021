//! The tables of free-threaded builds against facts written down without them: `offsetof` as a
//! C compiler gives it for their headers.

#![allow(clippy::panic, clippy::unwrap_used)] // Test helpers may fail.

use exuvia_cpython::{
    Flavor, GcLists, Immortal, InstanceDict, Layout, Refcount, StackRef, UnsupportedVersion,
    Version,
};

/// One release for each table.
const RELEASES: [Version; 5] = [
    Version::new(3, 13, 5),
    Version::new(3, 14, 9),
    Version::new(3, 14, 10),
    Version::new(3, 15, 1),
    Version::new(3, 15, 2),
];

/// Of a struct and a field, the offset in each release.
type Fact = (&'static str, &'static str, [Option<u64>; 5]);

const fn always(name: &'static str, field: &'static str, offset: u64) -> Fact {
    (name, field, [Some(offset); 5])
}

const fn each(name: &'static str, field: &'static str, offsets: [u64; 5]) -> Fact {
    let [a, b, c, d, e] = offsets;
    (name, field, [Some(a), Some(b), Some(c), Some(d), Some(e)])
}

/// In builds with mimalloc 2.1.2, and in those with 2.5.2.
const fn mimalloc(name: &'static str, field: &'static str, old: u64, new: u64) -> Fact {
    each(name, field, [old, old, new, old, new])
}

const FACTS: &[Fact] = &[
    always("PyObject", "size", 32),
    always("PyObject", "ob_tid", 0),
    always("PyObject", "ob_gc_bits", 11),
    always("PyObject", "ob_ref_local", 12),
    always("PyObject", "ob_ref_shared", 16),
    always("PyObject", "ob_type", 24),
    ("PyObject", "ob_refcnt", [None; 5]),
    always("PyVarObject", "ob_size", 32),
    each("PyTypeObject", "size", [432, 432, 432, 440, 440]),
    always("PyTypeObject", "tp_flags", 184),
    always("PyTypeObject", "tp_base", 272),
    each("PyHeapTypeObject", "size", [944, 960, 960, 968, 968]),
    each("PyTupleObject", "ob_item", [40, 48, 48, 48, 48]),
    always("PyListObject", "ob_item", 40),
    always("PyDictObject", "ma_keys", 48),
    always("PyDictKeysObject", "dk_nentries", 24),
    always("PyWeakReference", "size", 88),
    each("PyASCIIObject", "state_kind_bit", [2, 8, 8, 8, 8]),
    each("_PyInterpreterFrame", "owner", [70, 78, 78, 78, 78]),
    each("_PyInterpreterFrame", "localsplus", [72, 80, 80, 80, 80]),
    each(
        "_PyRuntimeState",
        "interpreters_head",
        [632, 808, 808, 936, 936],
    ),
    each(
        "_PyRuntimeState",
        "allocators_is_debug_enabled",
        [968, 1144, 1144, 1272, 1272],
    ),
    each("PyInterpreterState", "gc", [7400, 7408, 7408, 7400, 7400]),
    each(
        "PyInterpreterState",
        "types_builtins",
        [186_056, 186_360, 186_032, 186_312, 186_000],
    ),
    each(
        "_PyThreadStateImpl",
        "mimalloc_heaps",
        [352, 944, 944, 1112, 1112],
    ),
    each(
        "_PyThreadStateImpl",
        "mimalloc_tld",
        [12_608, 13_200, 13_296, 13_368, 13_464],
    ),
    mimalloc("mi_heap_s", "size", 3064, 3088),
    mimalloc("mi_segment_s", "slices", 264, 288),
    mimalloc("mi_segment_s", "slice_entries", 248, 272),
    mimalloc("mi_page_s", "size", 96, 112),
    mimalloc("mi_page_s", "xheap", 48, 64),
    mimalloc("mi_page_s", "block_size", 28, 40),
    (
        "mi_page_s",
        "page_start",
        [None, None, Some(48), None, Some(48)],
    ),
    (
        "mi_page_s",
        "tag_bit",
        [Some(67), Some(67), None, Some(67), None],
    ),
    // Only source files have these: they are computed, but for 3.13.
    always("PyODictObject", "od_fast_nodes", 80),
    always("dequeobject", "leftblock", 40),
    always("lru_cache_object", "cache", 88),
];

fn layout(version: Version) -> Layout {
    Layout::for_version(version, Flavor::FreeThreaded).unwrap()
}

#[test]
fn tables_have_what_compilers_say() {
    for (place, version) in RELEASES.into_iter().enumerate() {
        let layout = layout(version);
        for (name, field, offsets) in FACTS {
            let found = layout.structs.get(name, field);
            assert_eq!(found, offsets[place], "{name}.{field} in {version}");
        }
    }
}

#[test]
fn shapes_of_free_threaded_builds() {
    for version in RELEASES {
        let shapes = layout(version).shapes;
        assert_eq!(shapes.gc_lists, GcLists::MimallocSegments);
        assert_eq!(shapes.refcount, Refcount::LocalAndShared);
        assert_eq!(shapes.immortal, Immortal::RefLocal);
        assert_eq!(shapes.instance_dict, InstanceDict::InlineValuesHeadless);
        let slots = if version.minor == 13 {
            StackRef::Pointer
        } else {
            StackRef::TwoTagBits
        };
        assert_eq!(shapes.stack_ref, slots, "{version}");
    }
}

#[test]
fn a_new_allocator_is_a_new_table() {
    let source = |micro| layout(Version::new(3, 14, micro)).source;
    assert_eq!(source(0), source(9));
    assert_ne!(source(9), source(10));
    assert_eq!(source(10), source(99));
    let beta = "3.14.0b1".parse().unwrap();
    assert!(matches!(
        Layout::for_version(beta, Flavor::FreeThreaded),
        Err(UnsupportedVersion::PreRelease { .. })
    ));
    // Each series is named once, however many tables it has.
    let supported: Vec<_> = Layout::supported().collect();
    let mut series = supported.clone();
    series.dedup();
    assert_eq!(series, supported);
    let free_threaded = |one: &&(Version, Flavor)| one.1 == Flavor::FreeThreaded;
    assert_eq!(supported.iter().filter(free_threaded).count(), 3);
}

#[test]
fn every_build_has_what_finds_its_objects() {
    for version in RELEASES {
        let layout = layout(version);
        let mimalloc = layout.mimalloc().unwrap();
        assert_eq!(mimalloc.object_in_block(2), Some(0));
        assert_eq!(mimalloc.object_in_block(3), Some(16));
        assert_eq!(mimalloc.object_in_block(1), None);
    }
    let gil = Layout::for_version(Version::new(3, 12, 0), Flavor::Gil).unwrap();
    assert!(gil.mimalloc().is_err());
}
