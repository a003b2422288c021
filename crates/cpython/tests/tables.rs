//! The tables against facts that were written down without them.

#![allow(clippy::panic, clippy::unwrap_used)] // Test helpers may fail.

use exuvia_cpython::{
    Access, Flavor, Immortal, InstanceDict, IntRepr, Layout, STRUCTS, StaticTypes, Strength,
    TypeLayout, UnsupportedVersion, Version,
};

const SERIES: [Version; 3] = [
    Version::new(3, 11, 7),
    Version::new(3, 12, 1),
    Version::new(3, 13, 0),
];

fn layouts() -> [Layout; 3] {
    SERIES.map(|version| Layout::for_version(version, Flavor::Gil).unwrap())
}

/// Struct, field, and the offset in 3.11, 3.12 and 3.13.
const FACTS: &[(&str, &str, [u64; 3])] = &[
    ("_PyRuntimeState", "interpreters_head", [40, 40, 632]),
    ("PyInterpreterState", "next", [0, 0, 7264]),
    ("PyInterpreterState", "threads_head", [16, 72, 7344]),
    ("PyInterpreterState", "gc", [648, 112, 7400]),
    ("PyInterpreterState", "sysdict", [904, 352, 7640]),
    ("_gc_runtime_state", "generations", [24; 3]),
    ("_gc_runtime_state", "generation0", [96; 3]),
    ("_gc_runtime_state", "permanent_generation", [104; 3]),
    ("PyGC_Head", "size", [16; 3]),
    ("PyLongObject", "ob_digit", [24; 3]),
    ("PyASCIIObject", "state", [32; 3]),
    ("PyASCIIObject", "size", [48, 40, 40]),
    ("PyASCIIObject", "state_kind_bit", [2; 3]),
    ("PyASCIIObject", "state_compact_bit", [5; 3]),
    ("PyASCIIObject", "state_ascii_bit", [6; 3]),
    ("PyTupleObject", "ob_item", [24; 3]),
    ("PyListObject", "ob_item", [24; 3]),
    ("PyListObject", "allocated", [32; 3]),
    ("PySetObject", "mask", [32; 3]),
    ("PySetObject", "table", [40; 3]),
    ("setentry", "size", [16; 3]),
    ("PyDictObject", "ma_used", [16; 3]),
    ("PyDictObject", "ma_keys", [32; 3]),
    ("PyDictObject", "ma_values", [40; 3]),
    ("PyDictKeysObject", "dk_log2_size", [8; 3]),
    ("PyDictKeysObject", "dk_log2_index_bytes", [9; 3]),
    ("PyDictKeysObject", "dk_kind", [10; 3]),
    ("PyDictKeysObject", "dk_nentries", [24; 3]),
    ("PyDictKeysObject", "size", [32; 3]),
    ("PyDictKeyEntry", "size", [24; 3]),
    ("PyDictUnicodeEntry", "size", [16; 3]),
    ("PyDictValues", "values", [0, 0, 8]),
    ("PyTypeObject", "tp_name", [24; 3]),
    ("PyTypeObject", "tp_basicsize", [32; 3]),
    ("PyTypeObject", "tp_flags", [168; 3]),
    ("PyTypeObject", "tp_traverse", [184; 3]),
    ("PyTypeObject", "tp_members", [240; 3]),
    ("PyTypeObject", "tp_dict", [264; 3]),
    ("PyTypeObject", "tp_dictoffset", [288; 3]),
    ("PyTypeObject", "tp_mro", [344; 3]),
    ("PyTypeObject", "tp_subclasses", [360; 3]),
    ("_PyInterpreterFrame", "previous", [48, 8, 8]),
    ("_PyInterpreterFrame", "f_executable", [32, 0, 0]),
    ("_PyInterpreterFrame", "f_funcobj", [0, 16, 16]),
    ("_PyInterpreterFrame", "localsplus", [72; 3]),
    ("PyGenObject", "gi_iframe", [80, 72, 72]),
    ("BLOCK", "size", [528; 3]),
    ("_odictnode", "size", [32; 3]),
];

#[test]
fn offsets_are_those_written_down() {
    let layouts = layouts();
    for (name, field, expected) in FACTS {
        for (layout, expected) in layouts.iter().zip(expected) {
            let found = layout.structs.get(name, field);
            assert_eq!(
                found,
                Some(*expected),
                "{name}.{field} in {}",
                layout.version
            );
        }
    }
}

#[test]
fn static_types_have_their_state_in_the_interpreter_from_3_12() {
    let [old, tagged, inline] = layouts();
    assert_eq!(old.shapes.static_types, StaticTypes::InType);
    assert_eq!(old.structs.static_type_state, None);
    for (layout, size, tp_dict) in [(tagged, 40, 16), (inline, 48, 24)] {
        assert_eq!(layout.shapes.static_types, StaticTypes::InterpreterState);
        let state = layout.structs.static_type_state.unwrap();
        assert_eq!((state.size, state.tp_dict), (size, tp_dict));
        assert_eq!(
            layout.structs.py_interpreter_state.types_builtins_length,
            Some(200)
        );
    }
}

#[test]
fn shapes_are_those_of_each_series() {
    let shapes = layouts().map(|layout| layout.shapes);
    assert_eq!(
        shapes.map(|shapes| (shapes.int_repr, shapes.instance_dict, shapes.immortal)),
        [
            (
                IntRepr::SignedSize,
                InstanceDict::DictPointerAndValuesBefore,
                Immortal::StaticRefcnt
            ),
            (
                IntRepr::LvTag,
                InstanceDict::TaggedDictOrValues,
                Immortal::Refcnt32
            ),
            (
                IntRepr::LvTag,
                InstanceDict::InlineValues,
                Immortal::Refcnt32
            ),
        ]
    );
}

#[test]
fn every_struct_resolves_in_every_series() {
    for layout in layouts() {
        for spec in STRUCTS.iter().filter(|spec| !spec.optional) {
            for field in spec.fields.iter().filter(|field| !field.optional) {
                let found = layout.structs.get(spec.name, field.name);
                assert!(
                    found.is_some(),
                    "{}.{} in {}",
                    spec.name,
                    field.name,
                    layout.version
                );
            }
        }
    }
}

#[test]
fn references_lie_within_their_struct() {
    for layout in layouts() {
        let all = layout.types.iter().chain(&layout.modules);
        for (
            name,
            TypeLayout {
                size, references, ..
            },
        ) in all
        {
            for reference in references {
                assert!(reference.offset + 8 <= *size, "{name}.{}", reference.name);
                assert!(reference.offset % 8 == 0, "{name}.{}", reference.name);
            }
        }
        assert!(layout.types.len() > 250);
    }
}

fn reference(layout: &Layout, tp_name: &str, field: &str) -> (Access, u64, Strength) {
    let found = layout.types[tp_name].references.iter();
    let mut found = found.filter(|reference| reference.name == field);
    let reference = found
        .next()
        .unwrap_or_else(|| panic!("{tp_name} has no {field}"));
    (reference.access, reference.offset, reference.strength)
}

#[test]
fn references_have_the_names_of_python() {
    use Access::{Attribute, Interior};
    use Strength::{Borrowed, Owned, OwnedNotTraversed};
    for layout in layouts() {
        for (tp_name, field, expected) in [
            ("function", "__globals__", (Attribute, 16, Owned)),
            ("function", "__dict__", (Attribute, 88, Owned)),
            (
                "builtin_function_or_method",
                "__self__",
                (Attribute, 24, Owned),
            ),
            ("method", "__func__", (Attribute, 16, Owned)),
            ("property", "fget", (Attribute, 16, Owned)),
            ("functools.partial", "keywords", (Attribute, 32, Owned)),
            ("mappingproxy", "mapping", (Interior, 16, Owned)),
            ("cell", "cell_contents", (Attribute, 16, Owned)),
            (
                "weakref.ReferenceType",
                "wr_object",
                (Interior, 16, Borrowed),
            ),
            (
                "weakref.ReferenceType",
                "__callback__",
                (Attribute, 24, Owned),
            ),
            (
                "method_descriptor",
                "__name__",
                (Attribute, 24, OwnedNotTraversed),
            ),
            ("SystemExit", "code", (Attribute, 72, Owned)),
        ] {
            assert_eq!(
                reference(&layout, tp_name, field),
                expected,
                "{tp_name}.{field}"
            );
        }
        let weak = &layout.types["weakref.ReferenceType"].references;
        assert_eq!(weak.len(), 2, "the list of weak references is no reference");
    }
}

#[test]
fn what_was_fixed_in_a_later_series_is_so_only_before() {
    let [old, tagged, _] = layouts();
    let reader = |layout| reference(layout, "_io.BufferedRWPair", "reader").2;
    assert_eq!(reader(&old), Strength::OwnedNotTraversed);
    assert_eq!(reader(&tagged), Strength::Owned);
}

#[test]
fn a_time_without_a_zone_is_allocated_without_the_field() {
    for layout in layouts() {
        for tp_name in ["datetime.time", "datetime.datetime"] {
            // The byte after the head and the hash.
            assert_eq!(layout.types[tp_name].references[0].guard, Some(24));
        }
    }
}

#[test]
fn roots_have_the_names_of_heapy() {
    for layout in layouts() {
        let names: Vec<_> = layout
            .roots
            .interpreter
            .iter()
            .map(|(name, _)| name)
            .collect();
        for name in [
            "modules",
            "sysdict",
            "builtins",
            "importlib",
            "codec_search_path",
            "codec_error_registry",
            "dict",
            "before_forkers",
            "audit_hooks",
        ] {
            assert!(
                names.iter().any(|found| *found == name),
                "{name} in {}",
                layout.version
            );
        }
        let thread = &layout.roots.thread;
        assert!(thread.iter().any(|(name, _)| name == "exc_value"));
        // Free lists hold objects that are dead.
        assert!(!names.iter().any(|name| name.contains("free")));
    }
}

#[test]
fn other_versions_are_refused_by_name() {
    let message = |version: &str, flavor| {
        let version: Version = version.parse().unwrap();
        Layout::for_version(version, flavor)
            .unwrap_err()
            .to_string()
    };
    let refused = message("3.7.16", Flavor::Gil);
    assert!(
        refused.starts_with("CPython 3.7.16 (gil) is not supported; supported are 3.8 (gil), "),
        "{refused}"
    );
    assert!(message("3.12.0", Flavor::FreeThreaded).contains("3.12.0 (free-threaded)"));
    assert!(message("3.13.0rc2", Flavor::Gil).contains("3.13.0rc2 (gil) is a pre-release"));
    assert!(matches!(
        Layout::for_version(Version::new(2, 7, 18), Flavor::Gil),
        Err(UnsupportedVersion::Series { .. })
    ));
}

#[test]
fn later_releases_of_a_series_share_its_table() {
    let layout = Layout::for_version(Version::new(3, 12, 12), Flavor::Gil).unwrap();
    assert_eq!(layout.version.to_string(), "3.12.12");
    assert_eq!(
        layout.source,
        "DWARF of CPython 3.12.1, x86-64 Linux, shared libpython"
    );
}
