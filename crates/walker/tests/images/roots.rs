//! Objects that the state of an interpreter holds in arrays of its own.

use exuvia_memory::RemoteAddress;
use exuvia_snapshot::{Root, RootCategory};
use exuvia_synth::{Heap, Python};

use crate::walked::{Walked, walk_sound};

/// Where `interp->small_ints` is, as gdb prints it.
const SMALL_INTS: [(Python, u64); 2] = [(Python::V3_9, 3552), (Python::V3_10, 3512)];
/// Where `interp->unicode.ids` is: a lock, a length, and an array elsewhere.
const IDENTIFIERS: [(Python, u64); 4] = [
    (Python::V3_10, 9752),
    (Python::V3_11, 3584),
    (Python::V3_12, 267_384),
    (Python::V3_15, 11_792),
];
/// Where `interp->tuple.free_list` is.
const TUPLES: [(Python, u64); 2] = [(Python::V3_10, 9800), (Python::V3_11, 3632)];

/// The only root of an object.
fn root_of(walked: &Walked, object: RemoteAddress) -> &Root {
    let id = walked.find(object).unwrap();
    let mut roots = walked.snapshot.roots.iter();
    let root = roots.find(|root| root.target == id).unwrap();
    assert!(roots.all(|root| root.target != id));
    root
}

fn is_owned_by_the_interpreter(root: &Root, name: &str) {
    assert_eq!(root.name, name);
    assert!(root.owned, "{name}");
    assert_eq!(root.category, RootCategory::Static, "{name}");
}

#[test]
fn small_integers() {
    for (python, at) in SMALL_INTS {
        let mut heap = Heap::new(python);
        let (first, last) = (heap.int(-5), heap.int(256));
        let array = heap.interpreter.offset(at);
        heap.image.put_pointer(array, first);
        heap.image.put_pointer(array.offset(261 * 8), last);
        let walked = walk_sound(heap, python);
        is_owned_by_the_interpreter(root_of(&walked, first), "i0_small_ints[0]");
        is_owned_by_the_interpreter(root_of(&walked, last), "i0_small_ints[261]");
    }
}

#[test]
fn identifiers() {
    for (python, at) in IDENTIFIERS {
        let mut heap = Heap::new(python);
        let text = heap.text("__init__");
        let array = heap.allocate(3 * 8);
        // The first one was not used yet, and behind the last one lies something else.
        let behind = heap.text("not one of them");
        heap.image.put_pointer(array.offset(8), text);
        heap.image.put_pointer(array.offset(16), behind);
        let ids = heap.interpreter.offset(at);
        heap.image.put_u64(ids.offset(8), 2);
        heap.image.put_pointer(ids.offset(16), array);
        let walked = walk_sound(heap, python);
        is_owned_by_the_interpreter(root_of(&walked, text), "i0_unicode_ids[1]");
        assert_eq!(walked.find(behind), None, "{python:?}");
    }
}

#[test]
fn the_length_of_an_array_is_not_believed() {
    let (python, at) = IDENTIFIERS[0];
    let mut heap = Heap::new(python);
    let text = heap.text("the last on its page");
    let array = heap.allocate_before_hole(8);
    heap.image.put_pointer(array, text);
    let ids = heap.interpreter.offset(at);
    heap.image.put_u64(ids.offset(8), u64::MAX);
    heap.image.put_pointer(ids.offset(16), array);
    let walked = walk_sound(heap, python);
    is_owned_by_the_interpreter(root_of(&walked, text), "i0_unicode_ids[0]");
}

#[test]
fn the_empty_tuple_is_among_those_that_are_kept_for_reuse() {
    for (python, at) in TUPLES {
        let mut heap = Heap::new(python);
        let first = match python {
            Python::V3_10 => heap.untracked_tuple(&[]),
            // Later, those of one item come first.
            _ => heap.untracked_tuple(&[RemoteAddress::NULL]),
        };
        heap.image.put_pointer(heap.interpreter.offset(at), first);
        let walked = walk_sound(heap, python);
        if python == Python::V3_10 {
            is_owned_by_the_interpreter(root_of(&walked, first), "i0_empty_tuple");
        } else {
            assert_eq!(walked.find(first), None, "{python:?}");
        }
    }
}
