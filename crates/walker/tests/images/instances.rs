//! Instances of classes: every way in which they keep their attributes.

use exuvia_memory::RemoteAddress;
use exuvia_synth::{ClassSpec, Heap, Instance, Python};

use crate::walked::{steps, walk_sound};

#[test]
fn attributes_without_a_dictionary() {
    for python in Python::FROM_3_11 {
        let mut heap = Heap::new(python);
        let (a, b) = (heap.int(1), heap.int(2));
        let class = heap.class("Session", &["user", "gone", "token"]);
        let values = [a, RemoteAddress::NULL, b];
        let session = heap.instance(&class, Instance::Values(&values));
        let walked = walk_sound(heap, python);
        let expected = steps([(".user", a), (".token", b), ("->ob_type", class.address)]);
        assert_eq!(walked.owned(session), expected, "{python:?}");
        assert_eq!(walked.kind(session), "app.Session");
        let size = if python == Python::V3_11 { 56 } else { 48 };
        assert_eq!(walked.size(session), size);
        // The object with what stands before it, and room for 30 values.
        let allocated = match python {
            Python::V3_11 => 64 + 272,
            Python::V3_12 => 48 + 272,
            _ => 48 + 280 + 8,
        };
        assert_eq!(walked.allocated(session), allocated, "{python:?}");
    }
}

#[test]
fn a_dictionary_of_its_own() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let a = heap.int(1);
        let class = heap.class("Session", &["user"]);
        let user = heap.text("user");
        let dict = heap.dict(&[(user, a)]);
        let session = heap.instance(&class, Instance::Dict(dict));
        let walked = walk_sound(heap, python);
        let expected = steps([(".__dict__", dict), ("->ob_type", class.address)]);
        assert_eq!(walked.owned(session), expected, "{python:?}");
        assert_eq!(walked.kind(dict), "dict of app.Session");
        let expected = steps([(".keys()[0]", user), ("[user]", a)]);
        assert_eq!(walked.owned(dict), expected);
    }
}

/// As `PyObject_VisitManagedDict` has it since 3.13.3 (gh-130327).
#[test]
fn a_dictionary_over_inline_values_owns_them() {
    let python = Python::V3_13;
    let mut heap = Heap::new(python);
    let a = heap.int(1);
    let class = heap.class("Session", &["user"]);
    let session = heap.instance(&class, Instance::DictOverValues(&[a]));
    let walked = walk_sound(heap, python);
    let owned = walked.owned(session);
    let dict = owned[0].1;
    let expected = steps([(".__dict__", dict), ("->ob_type", class.address)]);
    assert_eq!(owned, expected);
    assert_eq!(walked.owned(dict), steps([("[user]", a)]));
    let expected = steps([(".keys()[0]", class.attributes[0])]);
    assert_eq!(walked.borrowed(dict), expected);
    assert_eq!(walked.kind(dict), "dict of app.Session");
}

#[test]
fn slots_of_a_class_and_its_base() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let (a, b, c) = (heap.int(1), heap.int(2), heap.int(3));
        let base = heap.class_of(&ClassSpec {
            name: "Point",
            module: "geo",
            base: heap.type_named("object"),
            slots: Some(&["x", "y"]),
            attributes: &[],
        });
        let class = heap.class_of(&ClassSpec {
            name: "Point3",
            module: "geo",
            base: base.address,
            slots: Some(&["z"]),
            attributes: &[],
        });
        let point = heap.instance(&class, Instance::Slots(&[a, b, c]));
        let walked = walk_sound(heap, python);
        let expected = steps([
            (".x", a),
            (".y", b),
            (".z", c),
            ("->ob_type", class.address),
        ]);
        assert_eq!(walked.owned(point), expected);
        assert_eq!(walked.kind(point), "geo.Point3");
        assert_eq!(walked.size(point), 16 + 40);
    }
}

#[test]
fn a_subclass_of_list_has_items_and_attributes() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let (a, b) = (heap.int(1), heap.int(2));
        let base = heap.class_of(&ClassSpec {
            name: "Stack",
            module: "app",
            base: heap.type_named("list"),
            slots: None,
            attributes: &[],
        });
        let class = heap.class_of(&ClassSpec {
            name: "DeepStack",
            module: "app",
            base: base.address,
            slots: None,
            attributes: &[],
        });
        let limit = heap.text("limit");
        let dict = heap.dict(&[(limit, b)]);
        let stack = heap.list_instance(&class, &[a, b], dict);
        let walked = walk_sound(heap, python);
        let expected = steps([
            ("[0]", a),
            ("[1]", b),
            (".__dict__", dict),
            ("->ob_type", class.address),
        ]);
        assert_eq!(walked.owned(stack), expected, "{python:?}");
        assert_eq!(walked.kind(stack), "app.DeepStack");
        // The items, and the instance with what stands before it.
        let size = match python {
            Python::V3_8 | Python::V3_9 | Python::V3_10 => 16 + 56,
            Python::V3_11 => 32 + 48,
            _ => 32 + 40,
        };
        assert_eq!(walked.size(stack), 16 + size);
    }
}

#[test]
fn types_of_extensions_are_scanned() {
    let python = Python::V3_12;
    let mut heap = Heap::new(python);
    let (a, b) = (heap.int(1), heap.list(&[]));
    let ob_type = heap.extension_type("ext.Thing", 56);
    let words = [a.get(), 42, 0xdead_beef_0000, b.get(), a.get() + 8];
    let thing = heap.raw(ob_type, &words);
    let process = heap.finish();
    let walked = crate::walked::walk_broken(&process, python);
    let expected = steps([("->word[2]", a), ("->word[5]", b)]);
    assert_eq!(walked.owned(thing), expected);
    assert_eq!(walked.kind(thing), "ext.Thing");
    assert!(walked.has(thing, exuvia_snapshot::ObjectFlags::CONSERVATIVE));
    assert_eq!(walked.trouble("scanned"), 1);
}
