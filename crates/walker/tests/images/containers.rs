//! Containers: what they refer to, under which names, and how large they are.

use exuvia_memory::RemoteAddress;
use exuvia_synth::{Heap, Python, offset};

use crate::walked::{steps, walk_broken, walk_sound};

fn ints<const N: usize>(heap: &mut Heap) -> [RemoteAddress; N] {
    std::array::from_fn(|i| heap.int(i as i128 + 1000))
}

#[test]
fn lists_and_tuples() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let [a, b] = ints(&mut heap);
        let tuple = heap.tuple(&[b, RemoteAddress::NULL, a]);
        let list = heap.list(&[a, tuple, a]);
        let empty = heap.list(&[]);
        let walked = walk_sound(heap, python);
        assert_eq!(walked.owned(tuple), steps([("[0]", b), ("[2]", a)]));
        let expected = steps([("[0]", a), ("[1]", tuple), ("[2]", a)]);
        assert_eq!(walked.owned(list), expected);
        // From 3.14 a tuple keeps its hash.
        let head = if python >= Python::V3_14 { 32 } else { 24 };
        assert_eq!(walked.size(tuple), 16 + head + 3 * 8);
        assert_eq!(walked.size(list), 56 + 5 * 8);
        assert_eq!(walked.allocated(list), 64 + 48);
        assert_eq!((walked.kind(empty), walked.size(empty)), ("list", 56));
    }
}

#[test]
fn a_dict_of_strings_with_deleted_entries() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let [a, b] = ints(&mut heap);
        let (x, y) = (heap.text("x"), heap.text("y"));
        let dict = heap.dict_with_holes(&[None, Some((x, a)), None, Some((y, b))]);
        let walked = walk_sound(heap, python);
        let expected = steps([(".keys()[0]", x), ("[x]", a), (".keys()[1]", y), ("[y]", b)]);
        assert_eq!(walked.owned(dict), expected);
        assert_eq!(walked.kind(dict), "dict (no owner)");
        // Eight slots, and room for five entries: up to 3.10 each with a hash.
        let keys = if python <= Python::V3_10 {
            40 + 8 + 5 * 24
        } else {
            32 + 8 + 5 * 16
        };
        assert_eq!(walked.size(dict), 64 + keys);
    }
}

#[test]
fn a_dict_of_anything_over_several_blocks() {
    for (python, head) in [(Python::V3_9, 40), (Python::V3_12, 32)] {
        let mut heap = Heap::new(python);
        let values: [_; 1000] = ints(&mut heap);
        let entries: Vec<_> = values.iter().map(|&value| Some((value, value))).collect();
        let dict = heap.general_dict(&entries);
        let walked = walk_sound(heap, python);
        let owned = walked.owned(dict);
        assert_eq!(owned.len(), 2000);
        assert_eq!(owned[1999], ("[1999]".to_owned(), values[999]));
        // 2048 slots: indices of two bytes, and 1365 entries of 24.
        assert_eq!(walked.size(dict), 64 + head + 4096 + 1365 * 24);
    }
}

#[test]
fn a_split_dict_borrows_the_keys_of_its_class() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let [a] = ints(&mut heap);
        let (x, y) = (heap.text("x"), heap.text("y"));
        heap.list(&[x, y]);
        let keys = heap.shared_keys(&[x, y]);
        let dict = heap.split_dict(keys, &[a, RemoteAddress::NULL]);
        let walked = walk_sound(heap, python);
        assert_eq!(walked.owned(dict), steps([("[x]", a)]));
        assert_eq!(walked.borrowed(dict), steps([(".keys()[0]", x)]));
        // The values count, the keys are the class's.
        let values = if python <= Python::V3_10 { 5 } else { 30 };
        assert_eq!(walked.size(dict), 64 + values * 8);
    }
}

/// The class has taken another table since, and the dictionary is the only one left.
#[test]
fn a_split_dict_owns_the_keys_that_its_class_gave_up() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let [a] = ints(&mut heap);
        let x = heap.text("x");
        let keys = heap.shared_keys(&[x]);
        let dict = heap.split_dict(keys, &[a]);
        // `ma_keys`, and its `dk_refcnt`.
        let table = heap.image.pointer(dict.offset(32));
        heap.image.put_u64(table, 1);
        let walked = walk_sound(heap, python);
        assert_eq!(walked.owned(dict), steps([(".keys()[0]", x), ("[x]", a)]));
    }
}

#[test]
fn sets_with_members_that_were_removed() {
    let python = Python::V3_13;
    let mut heap = Heap::new(python);
    let [a, b] = ints(&mut heap);
    let small = heap.set(&[Some(a), None, Some(b)]);
    let many: [_; 600] = ints(&mut heap);
    let mut slots = many.map(Some);
    slots[7] = None;
    let large = heap.set(&slots);
    let walked = walk_sound(heap, python);
    let expected = steps([("member 0", a), ("member 1", b)]);
    assert_eq!(walked.owned(small), expected);
    assert_eq!(walked.size(small), 216);
    let owned = walked.owned(large);
    assert_eq!(owned.len(), 599);
    assert_eq!(owned[7], ("member 7".to_owned(), many[8]));
    assert_eq!(walked.size(large), 216 + 1024 * 16);
}

/// A member is removed in three steps: what takes its place, the hash of that, the count.
#[test]
fn a_member_of_which_only_the_place_is_taken_is_removed() {
    let python = Python::V3_13;
    let mut heap = Heap::new(python);
    let [a, b] = ints(&mut heap);
    let dummy = heap.removed_member();
    let set = heap.set(&[Some(a), Some(dummy), Some(b)]);
    let walked = walk_broken(&heap.finish(), python);
    assert_eq!(walked.owned(set), steps([("member 0", a), ("member 1", b)]));
    let [told] = &walked.snapshot.metadata.diagnostics[..] else {
        panic!("{:?}", walked.snapshot.metadata.diagnostics);
    };
    assert_eq!((told.code.as_str(), told.count), ("torn-container", 1));
}

#[test]
fn a_deque_over_several_blocks() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let items: [_; 150] = ints(&mut heap);
        let deque = heap.deque(&items, 60);
        let walked = walk_sound(heap, python);
        let owned = walked.owned(deque);
        let targets: Vec<_> = owned.iter().map(|&(_, target)| target).collect();
        assert_eq!(targets, items);
        assert_eq!(owned[149].0, "[149]");
        assert_eq!(walked.kind(deque), "collections.deque");
        // 60 free places and 150 items in blocks of 64.
        let head = if python <= Python::V3_10 { 80 } else { 216 };
        assert_eq!(walked.size(deque), 16 + head + 4 * 528);
    }
}

#[test]
fn an_ordered_dict_holds_its_keys_twice() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let [a, b] = ints(&mut heap);
        let (x, y) = (heap.text("x"), heap.text("y"));
        let dict = heap.ordered_dict(&[(x, a), (y, b)]);
        let walked = walk_sound(heap, python);
        let expected = steps([
            (".keys()[0]", x),
            ("[x]", a),
            (".keys()[1]", y),
            ("[y]", b),
            ("->od_key", x),
            ("->od_key", y),
        ]);
        assert_eq!(walked.owned(dict), expected);
        assert_eq!(walked.kind(dict), "collections.OrderedDict");
        let keys = if python <= Python::V3_10 { 168 } else { 120 };
        assert_eq!(walked.size(dict), 128 + keys + 2 * 32);
    }
}

#[test]
fn a_list_that_is_sorted_is_told_from_a_torn_one() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let [item] = ints(&mut heap);
        let (sorted, torn) = (heap.list(&[]), heap.list(&[item]));
        let mut process = heap.finish();
        for (list, room) in [(sorted, u64::MAX), (torn, 0)] {
            let allocated = list.offset(offset::LIST_ALLOCATED);
            process.image.put_u64(allocated, room);
        }
        let walked = walk_broken(&process, python);
        let diagnostics = walked.snapshot.metadata.diagnostics.iter();
        let told: Vec<_> = diagnostics
            .map(|one| (one.code.as_str(), one.count, one.examples.as_slice()))
            .collect();
        let [sorted, torn] = [sorted, torn].map(|list| [list.to_string()]);
        assert_eq!(
            told,
            [
                ("torn-container", 1, &torn[..]),
                ("list-being-sorted", 1, &sorted[..])
            ]
        );
        let mut diagnostics = walked.snapshot.metadata.diagnostics.iter();
        assert!(diagnostics.all(|one| one.message.ends_with("; seen in: list")));
    }
}
