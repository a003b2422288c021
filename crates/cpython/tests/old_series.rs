//! The tables of 3.8, 3.9 and 3.10 against facts that were written down without them, and how
//! they are fitted to interpreters.

#![allow(clippy::panic, clippy::unwrap_used)] // Test helpers may fail.

mod common;

use std::collections::BTreeMap;

use common::Image;
use exuvia_cpython::{
    Access, CurrentFrame, DictKeys, DictValues, Disagreement, Flavor, Frame, Immortal,
    InstanceDict, IntRepr, Invalid, Layout, LineTable, StaticTypes, Strength, Version,
};
use exuvia_memory::{PageCache, RemoteAddress};

const RUNTIME: u64 = 0x10_0000;
const INTERPRETER: u64 = 0x20_0000;
const THREAD: u64 = 0x30_0000;
const SYSDICT: u64 = 0x40_0000;
const DICT: u64 = 0x50_0000;
const TYPE: u64 = 0x60_0000;

const SERIES: [Version; 3] = [
    Version::new(3, 8, 18),
    Version::new(3, 9, 18),
    Version::new(3, 10, 13),
];

fn layouts() -> [Layout; 3] {
    SERIES.map(|version| Layout::for_version(version, Flavor::Gil).unwrap())
}

/// Struct, field, and the offset in 3.8, 3.9 and 3.10.
const FACTS: &[(&str, &str, [Option<u64>; 3])] = &[
    ("_PyRuntimeState", "interpreters_head", [Some(32); 3]),
    ("_PyRuntimeState", "gc", [Some(344), None, None]),
    ("PyInterpreterState", "gc", [None, Some(616), Some(616)]),
    ("PyInterpreterState", "runtime", [None, Some(16), Some(16)]),
    ("PyInterpreterState", "id", [Some(16), Some(24), Some(24)]),
    ("PyInterpreterState", "threads_head", [Some(8); 3]),
    (
        "PyInterpreterState",
        "sysdict",
        [Some(72), Some(872), Some(872)],
    ),
    ("PyThreadState", "frame", [Some(24); 3]),
    ("PyThreadState", "native_thread_id", [None; 3]),
    ("_gc_runtime_state", "generations", [Some(24); 3]),
    ("_gc_runtime_state", "permanent_generation", [Some(104); 3]),
    ("PyTypeObject", "size", [Some(416), Some(408), Some(408)]),
    (
        "PyHeapTypeObject",
        "ht_cached_keys",
        [Some(872), Some(864), Some(872)],
    ),
    (
        "PyHeapTypeObject",
        "ht_module",
        [None, Some(872), Some(880)],
    ),
    ("PyLongObject", "ob_size", [Some(16); 3]),
    ("PyASCIIObject", "size", [Some(48); 3]),
    ("PyASCIIObject", "state_ready_bit", [Some(7); 3]),
    ("PyDictKeysObject", "dk_size", [Some(8); 3]),
    ("PyDictKeysObject", "dk_nentries", [Some(32); 3]),
    ("PyDictKeysObject", "dk_indices", [Some(40); 3]),
    ("PyDictKeysObject", "dk_log2_size", [None; 3]),
    ("PyDictKeyEntry", "size", [Some(24); 3]),
    ("PyDictUnicodeEntry", "size", [None; 3]),
    ("PyCodeObject", "co_linetable", [Some(120); 3]),
    ("PyCodeObject", "co_cellvars", [Some(88); 3]),
    ("PyCodeObject", "co_qualname", [None; 3]),
    ("PyFrameObject", "f_back", [Some(24); 3]),
    ("PyFrameObject", "f_stacktop", [Some(72), Some(72), None]),
    ("PyFrameObject", "f_stackdepth", [None, None, Some(80)]),
    ("PyFrameObject", "f_executing", [Some(116), Some(116), None]),
    ("PyFrameObject", "f_state", [None, None, Some(108)]),
    (
        "PyFrameObject",
        "f_localsplus",
        [Some(360), Some(360), Some(352)],
    ),
    ("_PyInterpreterFrame", "localsplus", [None; 3]),
    ("PyGenObject", "gi_frame", [Some(16); 3]),
    ("PyGenObject", "gi_code", [Some(32), Some(32), Some(24)]),
    ("BLOCK", "size", [Some(528); 3]),
];

#[test]
fn offsets_are_those_written_down() {
    let layouts = layouts();
    for (name, field, expected) in FACTS {
        for (layout, expected) in layouts.iter().zip(expected) {
            let found = layout.structs.get(name, field);
            assert_eq!(found, *expected, "{name}.{field} in {}", layout.version);
        }
    }
}

#[test]
fn shapes_are_those_before_3_11() {
    for layout in layouts() {
        let shapes = layout.shapes;
        assert_eq!(shapes.int_repr, IntRepr::SignedSize);
        assert_eq!(shapes.instance_dict, InstanceDict::DictOffset);
        assert_eq!(shapes.dict_keys, DictKeys::Size);
        assert_eq!(shapes.dict_values, DictValues::Bare);
        assert_eq!(shapes.frame, Frame::Object);
        assert_eq!(shapes.current_frame, CurrentFrame::Object);
        assert_eq!(shapes.immortal, Immortal::Never);
        assert_eq!(shapes.static_types, StaticTypes::InType);
        let lines = if layout.version >= Version::new(3, 10, 0) {
            LineTable::Ranges
        } else {
            LineTable::Lnotab
        };
        assert_eq!(shapes.line_table, lines);
        assert!(!layout.readies_every_type());
        assert!(!layout.counts_digit_of_zero());
        assert!(!layout.counts_header_of_static_types(true));
    }
}

#[test]
fn frames_and_generators_refer_to_each_other() {
    for layout in layouts() {
        let field = |tp_name: &str, field: &str| {
            let references = &layout.types[tp_name].references;
            let mut found = references.iter().filter(|one| one.name == field);
            let found = found.next();
            let found = found.unwrap_or_else(|| panic!("{tp_name} has no {field}"));
            (found.access, found.strength)
        };
        assert_eq!(
            field("frame", "f_back"),
            (Access::Attribute, Strength::Owned)
        );
        assert_eq!(
            field("frame", "f_globals"),
            (Access::Attribute, Strength::Owned)
        );
        assert_eq!(
            field("frame", "f_gen"),
            (Access::Interior, Strength::Borrowed)
        );
        assert_eq!(
            field("generator", "gi_frame"),
            (Access::Attribute, Strength::Owned)
        );
    }
}

/// An interpreter at rest: where its collector's state lies, and where `sysdict`.
fn image(gc: u64, sysdict: u64, runtime: Option<u64>) -> Image {
    let mut words = BTreeMap::from([
        (RUNTIME + 32, INTERPRETER),
        (INTERPRETER + 8, THREAD),
        (gc + 96, gc + 24),
        (INTERPRETER + sysdict, SYSDICT),
        (THREAD + 16, INTERPRETER),
        (SYSDICT + 8, DICT),
        (DICT + 8, TYPE),
        (DICT + 24, DICT + 1024),
        (DICT + 1024, u64::from_le_bytes(*b"dict\0\0\0\0")),
        (TYPE + 8, TYPE),
        (TYPE + 24, TYPE + 1024),
        (TYPE + 1024, u64::from_le_bytes(*b"type\0\0\0\0")),
    ]);
    words.extend(runtime.map(|at| (INTERPRETER + at, RUNTIME)));
    Image { words }
}

fn image_of_3_8() -> Image {
    image(RUNTIME + 344, 72, None)
}

fn image_of_3_9() -> Image {
    image(INTERPRETER + 616, 872, Some(16))
}

fn fit(version: Version, image: &Image) -> Result<Vec<Disagreement>, Invalid> {
    let mut layout = Layout::for_version(version, Flavor::Gil).unwrap();
    let mut cache = PageCache::new(image, 0);
    layout.fit(&mut cache, RemoteAddress::new(RUNTIME))
}

#[test]
fn the_tables_fit() {
    let [eight, nine, ten] = SERIES;
    assert_eq!(fit(eight, &image_of_3_8()), Ok(vec![]));
    assert_eq!(fit(nine, &image_of_3_9()), Ok(vec![]));
    assert_eq!(fit(ten, &image_of_3_9()), Ok(vec![]));
    assert!(fit(eight, &image_of_3_9()).is_err());
    assert!(fit(nine, &image_of_3_8()).is_err());
}

#[test]
fn the_collector_of_3_8_must_lie_in_the_runtime() {
    let mut image = image_of_3_8();
    image.words.insert(RUNTIME + 344 + 96, THREAD);
    let message = fit(SERIES[0], &image).unwrap_err().to_string();
    assert!(message.contains("gc.generation0 is 0x300000"), "{message}");
}

#[test]
fn the_interpreter_of_3_9_must_lead_back_to_the_runtime() {
    let mut image = image_of_3_9();
    image.words.insert(INTERPRETER + 16, THREAD);
    let message = fit(SERIES[1], &image).unwrap_err().to_string();
    assert!(message.contains("interp->runtime is 0x300000"), "{message}");
}
