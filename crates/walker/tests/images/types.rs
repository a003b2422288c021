//! Types as objects.

use exuvia_snapshot::ObjectFlags;
use exuvia_synth::{ClassSpec, Heap, Python};

use crate::walked::{steps, walk_sound};

#[test]
fn static_types_keep_their_state_in_the_interpreter() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let (list, object) = (heap.type_named("list"), heap.type_named("object"));
        let dict = heap.dict(&[]);
        let key = heap.int(5);
        let subclasses = heap.general_dict(&[Some((key, dict))]);
        let slots = (
            heap.static_dict_slot("list"),
            heap.static_subclasses_slot("list"),
        );
        heap.image.put_pointer(slots.0, dict);
        heap.image.put_pointer(slots.1, subclasses);
        let walked = walk_sound(heap, python);
        let expected = steps([(".__dict__", dict), ("->tp_subclasses", subclasses)]);
        assert_eq!(walked.owned(list), expected, "{python:?}");
        // The base of a static type is set without a reference of its own.
        assert_eq!(walked.borrowed(list), steps([(".__base__", object)]));
        assert_eq!(walked.kind(list), "type");
        assert_eq!(walked.kind(dict), "dict of type");
        assert!(walked.has(list, ObjectFlags::STATIC));
        let immortal = python > Python::V3_11;
        assert_eq!(walked.has(list, ObjectFlags::IMMORTAL), immortal);
        // In 3.11 and 3.12 `sys.getsizeof` counts a header that static types have not.
        let size = match python {
            Python::V3_8 => 416,
            Python::V3_9 | Python::V3_10 => 408,
            Python::V3_11 => 408 + 16,
            Python::V3_12 => 416 + 16,
            Python::V3_13 | Python::V3_14 => 416,
            Python::V3_15 => 424,
        };
        assert_eq!((walked.size(list), walked.allocated(list)), (size, 0));
    }
}

#[test]
fn a_class_holds_its_names_bases_and_keys() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let object = heap.type_named("object");
        let class = heap.class("Session", &["user"]);
        let walked = walk_sound(heap, python);
        let expected = steps([
            (".__dict__", class.dict),
            (".__bases__", class.bases),
            (".__base__", object),
            ("->ht_name", class.name),
            ("->ht_qualname", class.name),
            ("->ht_cached_keys", class.attributes[0]),
        ]);
        assert_eq!(walked.owned(class.address), expected, "{python:?}");
        assert_eq!(walked.kind(class.address), "type");
        assert_eq!(walked.kind(class.dict), "dict of type");
        // Keys of 32 slots; up to 3.10 as many as the names take.
        let (many, few) = (32 + 32 + 21 * 16, 40 + 8 + 5 * 24);
        let size = match python {
            Python::V3_8 | Python::V3_9 => 880 + few,
            Python::V3_10 => 888 + few,
            Python::V3_11 => 904 + many,
            Python::V3_12 => 920 + many,
            Python::V3_13 => 928 + many,
            Python::V3_14 => 936 + many,
            Python::V3_15 => 944 + many,
        };
        assert_eq!(walked.size(class.address), 16 + size);
    }
}

#[test]
fn the_table_of_types_has_names_and_bases() {
    let python = Python::V3_12;
    let mut heap = Heap::new(python);
    let list = heap.type_named("list");
    let mut base = list;
    let mut classes = Vec::new();
    for name in ["A", "B", "C"] {
        let class = heap.class_of(&ClassSpec {
            name,
            module: "deep.er",
            base,
            slots: Some(&[]),
            attributes: &[],
        });
        base = class.address;
        classes.push(class.address);
    }
    let walked = walk_sound(heap, python);
    let types = &walked.snapshot.types;
    let row = |address: exuvia_memory::RemoteAddress| {
        let row = types.iter().find(|row| row.address == address.get());
        row.unwrap()
    };
    let chain: Vec<_> = classes
        .iter()
        .map(|&class| types[row(class).base.unwrap().index()].name.as_str())
        .collect();
    assert_eq!(chain, ["list", "A", "B"]);
    let last = row(classes[2]);
    assert_eq!((last.module.as_str(), last.name.as_str()), ("deep.er", "C"));
    assert_eq!(last.object, walked.find(classes[2]));
    assert_eq!(row(list).module, "builtins");
}
