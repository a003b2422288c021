//! The tables of 3.14 and 3.15 against what running interpreters publish of themselves, and
//! against facts written down without them.

#![allow(clippy::panic, clippy::unwrap_used)] // Test helpers may fail.

mod common;

use std::collections::BTreeMap;

use common::Image;
use exuvia_cpython::{
    Disagreement, Flavor, GcLists, Immortal, Invalid, Layout, StackRef, UnsupportedVersion, Version,
};
use exuvia_memory::{PageCache, RemoteAddress};

const RUNTIME: u64 = 0x10_0000;
const INTERPRETER: u64 = 0x20_0000;
const THREAD: u64 = 0x30_0000;
const SYSDICT: u64 = 0x40_0000;
const DICT: u64 = 0x50_0000;
const TYPE: u64 = 0x60_0000;

/// What CPython 3.14.10 has at `_PyRuntime`, read from a running one.
#[rustfmt::skip]
const PUBLISHED_BY_3_14: [u64; 95] = [
    u64::from_le_bytes(*b"xdebugpy"), 0x30e0af0, 0, 316_616, 784, 808, 225_864, 7280, 7272, 7344, 7360, 7408, 7688, 7672, 7680, 16, 7784, 0, 7800, 7792, 7992, 0, 832, 0, 8, 16, 72, 152, 160, 232, 32, 88, 8, 0, 56, 80, 74, 64, 0, 216, 112, 120, 128, 136, 68, 52, 96, 104, 208, 0, 16, 8, 416, 24, 88, 168, 40, 32, 16, 40, 24, 16, 200, 24, 40, 32, 48, 32, 40, 24, 16, 32, 16, 24, 40, 16, 32, 64, 32, 16, 40, 264, 192, 160, 24, 72, 67, 0, 8, 24, 304, 8076, 0, 4, 512,
];

/// What CPython 3.15.2 has there.
#[rustfmt::skip]
const PUBLISHED_BY_3_15: [u64; 111] = [
    u64::from_le_bytes(*b"xdebugpy"), 0x30f02f0, 0, 346_568, 912, 936, 226_240, 7272, 7264, 7336, 7352, 7400, 7592, 7576, 7584, 16, 7736, 0, 7752, 7744, 7944, 0, 888, 0, 8, 16, 72, 80, 88, 96, 176, 184, 256, 32, 36, 40, 136, 288, 0, 88, 8, 0, 56, 80, 74, 64, 0, 216, 112, 120, 128, 136, 68, 52, 96, 104, 208, 0, 16, 8, 424, 24, 88, 168, 32, 288, 944, 888, 40, 32, 16, 40, 24, 16, 200, 24, 40, 32, 48, 32, 40, 24, 16, 32, 16, 24, 40, 16, 32, 64, 32, 16, 40, 56, 176, 112, 120, 1120, 104, 160, 24, 72, 67, 0, 8, 24, 344, 8028, 0, 4, 512,
];

/// Where the state of an interpreter has what is checked.
struct Places {
    interpreters_head: u64,
    threads_head: u64,
    runtime: u64,
    gc: u64,
    sysdict: u64,
    types_builtins: u64,
}

const PLACES_IN_3_14: Places = Places {
    interpreters_head: 808,
    threads_head: 7344,
    runtime: 7384,
    gc: 7408,
    sysdict: 7672,
    types_builtins: 180_240,
};

const PLACES_IN_3_15: Places = Places {
    interpreters_head: 936,
    threads_head: 7336,
    runtime: 7376,
    gc: 7400,
    sysdict: 7576,
    types_builtins: 180_264,
};

/// An interpreter at rest, without the lists of its collector.
fn image(published: &[u64], places: &Places) -> Image {
    let mut words: BTreeMap<_, _> = (RUNTIME..)
        .step_by(8)
        .zip(published.iter().copied())
        .collect();
    words.extend([
        (RUNTIME + places.interpreters_head, INTERPRETER),
        (INTERPRETER + places.threads_head, THREAD),
        (INTERPRETER + places.runtime, RUNTIME),
        (INTERPRETER + places.sysdict, SYSDICT),
        // The first of the static types, which their state names.
        (INTERPRETER + places.types_builtins, DICT),
        (DICT + 360, 1),
        (THREAD + 16, INTERPRETER),
        (SYSDICT + 8, DICT),
        (DICT + 8, TYPE),
        (DICT + 24, DICT + 1024),
        (DICT + 1024, u64::from_le_bytes(*b"dict\0\0\0\0")),
        (TYPE + 8, TYPE),
        (TYPE + 24, TYPE + 1024),
        (TYPE + 1024, u64::from_le_bytes(*b"type\0\0\0\0")),
    ]);
    Image { words }
}

fn image_of_3_14() -> Image {
    let mut image = image(&PUBLISHED_BY_3_14, &PLACES_IN_3_14);
    let gc = INTERPRETER + PLACES_IN_3_14.gc;
    image.words.insert(gc + 256, gc + 24);
    image
}

/// 3.14.4: the collector's state ends 24 bytes earlier, and what is behind it moved. Its
/// lists are empty but for the young one, whose link carries a flag.
fn image_of_3_14_4() -> Image {
    let mut published = PUBLISHED_BY_3_14;
    published[1] = 0x030e_04f0;
    for place in [6, 12, 13, 14, 81] {
        published[place] -= 24;
    }
    assert_eq!(published[81], 240);
    // The lock, which the target publishes too, lies behind as well.
    for place in [16, 18, 19, 20] {
        published[place] = published[place].saturating_sub(24);
    }
    let places = Places {
        sysdict: 7672 - 24,
        types_builtins: 180_240 - 24,
        ..PLACES_IN_3_14
    };
    let mut image = image(&published, &places);
    let gc = INTERPRETER + places.gc;
    let object = 0x70_0000;
    image.words.extend([
        (gc + 24, object),
        (gc + 32, object),
        (object, (gc + 24) | 1),
        (object + 8, (gc + 24) | 2),
    ]);
    for head in [gc + 48, gc + 72, gc + 96] {
        image.words.extend([(head, head), (head + 8, head)]);
    }
    image
}

fn fit(version: &str, image: &Image) -> (Layout, Result<Vec<Disagreement>, Invalid>) {
    let mut layout = Layout::for_version(version.parse().unwrap(), Flavor::Gil).unwrap();
    let mut cache = PageCache::new(image, 0);
    let result = layout.fit(&mut cache, RemoteAddress::new(RUNTIME));
    (layout, result)
}

#[test]
fn the_tables_agree_with_what_interpreters_publish() {
    let (_, result) = fit("3.14.10", &image_of_3_14());
    assert_eq!(result, Ok(vec![]));
    let mut image = image(&PUBLISHED_BY_3_15, &PLACES_IN_3_15);
    let gc = INTERPRETER + PLACES_IN_3_15.gc;
    image.words.insert(gc + 168, gc + 8);
    let (_, result) = fit("3.15.2", &image);
    assert_eq!(result, Ok(vec![]));
}

#[test]
fn the_incremental_collector_moves_what_lies_behind_it() {
    let unmoved = Layout::for_version(Version::new(3, 14, 10), Flavor::Gil).unwrap();
    let (layout, result) = fit("3.14.4", &image_of_3_14_4());
    let corrected = result.unwrap();
    assert!(corrected.iter().any(|one| one.field == "sysdict"));
    assert_eq!(layout.shapes.gc_lists, GcLists::Incremental);

    let (before, after) = (
        &unmoved.structs.py_interpreter_state,
        &layout.structs.py_interpreter_state,
    );
    assert_eq!(after.threads_head, before.threads_head);
    assert_eq!(after.types_builtins, Some(180_240 - 24));
    assert_eq!(after.types_builtins_length, before.types_builtins_length);
    assert_eq!(after.codec_search_path, before.codec_search_path - 24);
    let root = |layout: &Layout, name: &str| {
        let mut roots = layout.roots.interpreter.iter();
        roots.find(|(root, _)| root == name).unwrap().1
    };
    for (name, by) in [("gc_garbage", 0), ("modules", 24), ("audit_hooks", 24)] {
        assert_eq!(root(&layout, name), root(&unmoved, name) - by, "{name}");
    }
    // The four lists stay where the three generations and the permanent one are later.
    let gc = &layout.structs.gc_runtime_state;
    assert_eq!((gc.generations, gc.permanent_generation), (24, 96));
}

#[test]
fn lists_of_an_incremental_collector_must_lead_back() {
    let mut image = image_of_3_14_4();
    let old = INTERPRETER + PLACES_IN_3_14.gc + 48;
    image.words.insert(old + 8, THREAD);
    let (_, result) = fit("3.14.4", &image);
    assert_eq!(
        result.unwrap_err().to_string(),
        "interp->gc lists: head->next->prev is 0x300000 in the target, and not 0x201d20"
    );
}

#[test]
fn a_state_that_moved_in_an_unknown_way_is_refused() {
    // `sysdict` alone is not where the move of the collector would put it.
    let mut image = image_of_3_14_4();
    image.words.insert(RUNTIME + 8 * 13, 7672 - 32);
    let (_, result) = fit("3.14.4", &image);
    assert!(matches!(
        result,
        Err(Invalid::OtherInterpreterState { field, .. }) if field == "sysdict"
    ));
    // The state of static types is not.
    let mut image = image_of_3_14_4();
    image.words.remove(&(INTERPRETER + 180_240 - 24));
    let (_, result) = fit("3.14.4", &image);
    let message = result.unwrap_err().to_string();
    assert!(
        message.starts_with("interp->types.builtins[dict].type is 0x0"),
        "{message}"
    );
}

/// Struct, field, and the offset in 3.14 and 3.15.
const FACTS: &[(&str, &str, [Option<u64>; 2])] = &[
    ("_gc_runtime_state", "generations", [Some(24), Some(8)]),
    (
        "_gc_runtime_state",
        "permanent_generation",
        [Some(96), Some(80)],
    ),
    ("_gc_runtime_state", "generation0", [Some(256), Some(168)]),
    ("_PyInterpreterFrame", "stackpointer", [Some(64); 2]),
    ("_PyInterpreterFrame", "localsplus", [Some(80); 2]),
    ("PyTupleObject", "ob_item", [Some(32); 2]),
    ("PyGenObject", "gi_iframe", [Some(72); 2]),
    ("PyHeapTypeObject", "ht_cached_keys", [Some(880), Some(888)]),
    ("PyModuleObject", "md_def", [Some(24), None]),
    ("PyModuleObject", "md_state", [Some(32), Some(24)]),
    ("PyModuleObject", "md_token", [None, Some(88)]),
    ("PyByteArrayObject", "ob_bytes_object", [None, Some(56)]),
    ("PyDictObject", "ma_version_tag", [None; 2]),
    ("PyInterpreterState", "atexit_ncallbacks", [None; 2]),
];

#[test]
fn offsets_are_those_written_down() {
    let layouts = [(3, 14, 10), (3, 15, 2)].map(|(major, minor, micro)| {
        Layout::for_version(Version::new(major, minor, micro), Flavor::Gil).unwrap()
    });
    for (name, field, expected) in FACTS {
        for (layout, expected) in layouts.iter().zip(expected) {
            let found = layout.structs.get(name, field);
            assert_eq!(found, *expected, "{name}.{field} in {}", layout.version);
        }
    }
    for layout in layouts {
        assert_eq!(layout.shapes.stack_ref, StackRef::TwoTagBits);
        assert_eq!(layout.shapes.immortal, Immortal::Refcnt32AndFlags);
        assert_eq!(layout.shapes.gc_lists, GcLists::ThreeGenerations);
        let function = &layout.types["function"];
        assert!(function.references.iter().any(|one| one.offset == 120));
    }
}

#[test]
fn what_is_newer_and_what_is_unfinished_is_refused_by_name() {
    for (version, named) in [
        ("3.16.0", "CPython 3.16.0 (gil) is not supported"),
        ("3.16.0a1", "CPython 3.16.0a1 (gil) is not supported"),
        ("3.15.0rc3", "CPython 3.15.0rc3 (gil) is a pre-release"),
        ("3.14.0b4", "CPython 3.14.0b4 (gil) is a pre-release"),
    ] {
        let version: Version = version.parse().unwrap();
        let error: UnsupportedVersion = Layout::for_version(version, Flavor::Gil).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with(named), "{message}");
    }
}
