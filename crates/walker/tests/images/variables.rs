//! Static variables of C code.

use exuvia_memory::{PAGE_SIZE, RemoteAddress};
use exuvia_snapshot::RootCategory;
use exuvia_synth::{Heap, Python};

use crate::walked::{Walked, walk_sound};

/// Room for variables behind the state of the interpreter, which is larger in a real one
/// than here; and on a page that is there as a whole.
fn static_words(heap: &mut Heap, count: u64) -> RemoteAddress {
    heap.in_program(1 << 20);
    let words = heap.in_program(8 * count);
    heap.in_program(PAGE_SIZE as u64);
    words
}

/// What the static variables lead to that begin so many bytes into the program. Before them
/// are objects of the interpreter, some of which nothing leads to.
fn targets(walked: &Walked, from: u64) -> Vec<RemoteAddress> {
    let roots = walked.snapshot.roots.iter();
    roots
        .filter(|root| root.category == RootCategory::Variable)
        .filter(|root| {
            assert!(!root.owned, "{}", root.name);
            let place = root.name.strip_prefix("static['program'+0x").unwrap();
            u64::from_str_radix(place.trim_end_matches(']'), 16).unwrap() >= from
        })
        .map(|root| walked.address(root.target))
        .collect()
}

#[test]
fn they_lead_to_what_nothing_else_does() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let (key, value) = (heap.text("key"), heap.int(1 << 20));
        let cache = heap.dict(&[(key, value)]);
        let untracked = heap.text("only a variable leads here");
        let block = heap.allocate(64);
        let variables = static_words(&mut heap, 4);
        heap.image.put_pointer(variables, cache);
        heap.image.put_pointer(variables.offset(8), untracked);
        // What a static type counts may be a variable's as well; a block of C code is no object.
        let list = heap.type_named("list");
        heap.image.put_pointer(variables.offset(16), list);
        heap.image.put_pointer(variables.offset(24), block);
        let from = variables.get() - heap.runtime.get();
        let walked = walk_sound(heap, python);
        assert_eq!(
            targets(&walked, from),
            [cache, untracked, list],
            "{python:?}"
        );
        assert_eq!(walked.kind(untracked), "str");
    }
}

#[test]
fn the_interned_strings_are_not_held() {
    for python in Python::ALL {
        let mut heap = Heap::new(python);
        let texts: Vec<_> = (0..200).map(|i| heap.text(&format!("word{i}"))).collect();
        let entries: Vec<_> = texts.iter().map(|&text| (text, text)).collect();
        let interned = heap.dict(&entries);
        heap.untrack(interned);
        let variable = static_words(&mut heap, 1);
        heap.image.put_pointer(variable, interned);
        let from = variable.get() - heap.runtime.get();
        let walked = walk_sound(heap, python);
        assert_eq!(targets(&walked, from), [], "{python:?}");
        assert_eq!(walked.find(interned), None);
    }
}
