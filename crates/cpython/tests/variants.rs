//! Types whose struct changed within a series, against facts that were written down without
//! the tables: what gdb says of 3.13.0, of Debian's 3.13.5 and of 3.13.18.

#![allow(clippy::unwrap_used)] // Tests may fail.

use exuvia_cpython::{Flavor, Layout, Version};

/// Type, size of its instances, a field, and where that lies.
const FACTS: &[(&str, u64, &str, u64)] = &[
    ("_pickle.Pickler", 144, "write", 48),
    ("_pickle.Pickler", 152, "write", 56),
    ("_pickle.Pickler", 152, "persistent_id_attr", 32),
    ("_pickle.Unpickler", 264, "read", 176),
    ("_pickle.Unpickler", 272, "read", 184),
    ("_pickle.Unpickler", 296, "read", 200),
    ("pyexpat.xmlparser", 80, "intern", 64),
    ("pyexpat.xmlparser", 88, "intern", 72),
];

fn layout() -> Layout {
    Layout::for_version(Version::new(3, 13, 5), Flavor::Gil).unwrap()
}

#[test]
fn the_size_tells_which_fields_there_are() {
    let layout = layout();
    for &(name, size, field, offset) in FACTS {
        let (table, _) = layout.type_of_size(name, size, false).unwrap();
        let mut fields = table.references.iter();
        let found = fields.find(|reference| reference.name == field);
        assert_eq!(
            found.map(|one| one.offset),
            Some(offset),
            "{name} of {size}"
        );
    }
}

#[test]
fn a_size_that_nobody_has_seen_has_no_table() {
    let layout = layout();
    assert_eq!(layout.type_of_size("_pickle.Pickler", 1000, false), None);
    assert_eq!(layout.type_of_size("no.Such", 144, false), None);
    // `tp_basicsize` of tuples leaves out the item that the struct has.
    let (table, variant) = layout.type_of_size("tuple", 24, true).unwrap();
    assert_eq!((table.size, variant), (32, None));
}

#[test]
fn structs_come_with_their_type() {
    let layout = layout();
    let encoding = |size| {
        let (_, variant) = layout
            .type_of_size("_pickle.Unpickler", size, false)
            .unwrap();
        let structs = layout.structs_of(variant);
        // What does not vary is the same in all of them.
        assert_eq!(structs.py_object, layout.structs.py_object);
        structs.get("UnpicklerObject", "encoding")
    };
    assert_eq!([264, 272, 296].map(encoding), [216, 224, 240].map(Some));
}

#[test]
fn the_state_of_a_module_needs_its_own_size() {
    let layout = layout();
    let table = layout.module_of_size("zlib", 32).unwrap();
    assert_eq!(table.struct_name, "zlibstate");
    assert_eq!(layout.module_of_size("zlib", 40), None);
}
