//! Numbers and text: values and sizes, as `repr` and `sys.getsizeof` give them.

use exuvia_snapshot::ObjectFlags;
use exuvia_synth::{Heap, Python, Storage, Text};

use crate::walked::walk_sound;

#[test]
fn ints_of_both_representations() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let cases = [
            // From 3.11 on zero counts the digit that it has not.
            (0, if python <= Python::V3_10 { 24 } else { 28 }, "0"),
            (1, 28, "1"),
            (-1, 28, "-1"),
            (1 << 30, 32, "1073741824"),
            (-(1 << 60), 36, "-1152921504606846976"),
            ((1 << 119) + 7, 40, "664613997892457936451903530140172295"),
        ];
        let objects = cases.map(|(value, ..)| heap.int(value));
        let list = heap.list(&objects);
        let walked = walk_sound(heap, python);
        assert_eq!(walked.owned(list).len(), cases.len());
        for ((_, size, repr), object) in cases.into_iter().zip(objects) {
            assert_eq!(walked.kind(object), "int");
            assert_eq!(walked.value(object).as_deref(), Some(repr), "{python:?}");
            assert_eq!(walked.size(object), size, "{python:?} {repr}");
        }
    }
}

#[test]
fn text_of_every_storage() {
    for python in Python::ALL {
        let wide = if python <= Python::V3_11 { 72 } else { 56 };
        let narrow = if python <= Python::V3_11 { 48 } else { 40 };
        let legacy = if python <= Python::V3_11 { 80 } else { 64 };
        let cases = [
            ("", Storage::Ascii, false, narrow + 1),
            ("abc", Storage::Ascii, false, narrow + 4),
            ("é", Storage::Compact(1), false, wide + 2),
            ("€", Storage::Compact(2), false, wide + 4),
            ("a😀", Storage::Compact(4), false, wide + 12),
            ("€", Storage::Compact(2), true, wide + 4 + 4),
            ("legacy", Storage::Legacy, false, legacy + 7),
        ];
        let mut heap = Heap::new(python);
        let objects = cases.map(|(text, storage, with_utf8, _)| {
            heap.text_of(&Text {
                text,
                storage,
                with_utf8,
            })
        });
        heap.list(&objects);
        let walked = walk_sound(heap, python);
        for ((text, storage, _, size), object) in cases.into_iter().zip(objects) {
            assert_eq!(walked.kind(object), "str");
            assert_eq!(walked.value(object).as_deref(), Some(text), "{storage:?}");
            assert_eq!(walked.size(object), size, "{python:?} {storage:?} {text}");
        }
    }
}

#[test]
fn the_start_of_long_values() {
    let python = Python::V3_12;
    let mut heap = Heap::new(python);
    let text = heap.text(&"x".repeat(5000));
    let bytes = heap.bytes(&[b'y'; 5000]);
    let float = heap.float(-0.5);
    let none = heap.none;
    let list = heap.list(&[text, bytes, float, none]);
    let walked = walk_sound(heap, python);
    assert_eq!(walked.owned(list).len(), 4);
    assert_eq!(walked.value(text), Some("x".repeat(100)));
    assert_eq!(walked.value(bytes), Some("y".repeat(100)));
    assert_eq!(walked.size(bytes), 33 + 5000);
    assert_eq!(walked.value(float).as_deref(), Some("-0.5"));
    assert_eq!(walked.value(none).as_deref(), Some("None"));
    assert_eq!(walked.kind(none), "types.NoneType");
}

#[test]
fn flags_above_a_count_are_no_part_of_it() {
    for python in [Python::V3_14, Python::V3_15] {
        let mut heap = Heap::new(python);
        let number = heap.int(7);
        heap.hold("number", number);
        heap.image.put_u64(number, 0x0004_0000_0000_0003);
        let walked = walk_sound(heap, python);
        let id = walked.find(number).unwrap();
        assert_eq!(walked.snapshot.objects.refcount[id.index()], 3);
        assert!(!walked.has(number, ObjectFlags::IMMORTAL));
    }
}
