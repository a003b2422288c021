//! Memory that no CPython leaves behind: the walk ends, with a snapshot that says what was
//! wrong, and everything that is sound is in it.

use exuvia_memory::RemoteAddress;
use exuvia_snapshot::ValuesKept;
use exuvia_synth::{Class, FrameSpec, Heap, Instance, Process, Python, Variable, offset};
use exuvia_walker::WalkError;

use crate::walked::{Walked, steps, try_walk, try_walk_in, walk_broken};

const PYTHON: Python = Python::V3_12;

/// A heap with a list that must be found whatever happens to other objects, and its item.
fn heap_with_witness() -> (Heap, RemoteAddress, RemoteAddress) {
    let mut heap = Heap::new(PYTHON);
    let item = heap.int(7);
    let witness = heap.list(&[item]);
    heap.hold("witness", witness);
    (heap, witness, item)
}

/// Walks a heap after a change of its memory; the witness must be there as ever.
fn walk_changed(change: impl FnOnce(&mut Heap) -> Vec<(RemoteAddress, u64)>) -> Walked {
    let (mut heap, witness, item) = heap_with_witness();
    let changes = change(&mut heap);
    let mut process = heap.finish();
    for (address, value) in changes {
        process.image.put_u64(address, value);
    }
    let walked = walk_broken(&process, PYTHON);
    assert_eq!(walked.owned(witness), steps([("[0]", item)]));
    let (references, words) = (walked.snapshot.references.len(), words(&process));
    assert!(
        references <= 32 * words,
        "{references} references of {words} words"
    );
    walked
}

/// Words of memory that there are.
fn words(process: &Process) -> usize {
    let regions = process.image.regions();
    let bytes: u64 = regions.iter().map(|region| region.end - region.start).sum();
    (bytes / 8) as usize
}

#[test]
fn a_collector_s_list_that_does_not_come_back() {
    let (mut heap, witness, item) = heap_with_witness();
    for _ in 0..20 {
        heap.list(&[]);
    }
    let process = heap.finish();
    let lost = process.tracked[8].before(offset::GC_HEAD);
    let earlier = process.tracked[4].before(offset::GC_HEAD).get();
    for link in [earlier, 0, 0x1000, earlier + 4, lost.get(), u64::MAX] {
        let mut process = process.clone();
        process.image.put_u64(lost, link);
        let walked = walk_broken(&process, PYTHON);
        assert_eq!(walked.trouble("broken-collector-list"), 1, "{link:#x}");
        assert_eq!(walked.owned(witness), steps([("[0]", item)]));
    }
}

#[test]
fn impossible_lengths_are_left_out() {
    for length in [1 << 60, u64::MAX, 1 << 63] {
        let walked = walk_changed(|heap| {
            let list = heap.list(&[]);
            let tuple = heap.tuple(&[]);
            vec![
                (list.offset(offset::OB_SIZE), length),
                (tuple.offset(offset::OB_SIZE), length),
            ]
        });
        assert_eq!(walked.trouble("implausible-length"), 2, "{length:#x}");
    }
}

#[test]
fn lengths_beyond_readable_memory_end_there() {
    let mut list = RemoteAddress::NULL;
    let walked = walk_changed(|heap| {
        let item = heap.int(3);
        list = heap.list(&[item]);
        vec![(list.offset(offset::OB_SIZE), 1 << 30)]
    });
    assert_eq!(walked.trouble("unreadable-object"), 1);
    assert_eq!(walked.kind(list), "list");
}

#[test]
fn many_lists_that_claim_all_memory_stay_within_bounds() {
    walk_changed(|heap| {
        let lists: Vec<_> = (0..10_000).map(|_| heap.list(&[])).collect();
        let first = lists[0].get();
        let changes = lists.iter().flat_map(|list| {
            [
                (list.offset(offset::OB_SIZE), 20_000),
                (list.offset(offset::LIST_ITEMS), first),
            ]
        });
        changes.collect()
    });
}

#[test]
fn a_dict_with_impossible_keys() {
    let changes = [
        (offset::KEYS_LOG2_SIZE, 63, 1),
        (offset::KEYS_LOG2_SIZE, 0xffff_ff03, 1),
        (offset::KEYS_LOG2_SIZE, 0x1_3f03, 1),
        (offset::KEYS_NENTRIES, u64::MAX, 1),
        (offset::KEYS_USABLE, u64::MAX, 0),
    ];
    for (at, value, troubles) in changes {
        let walked = walk_changed(|heap| {
            let (key, value_object) = (heap.text("key"), heap.int(1));
            let dict = heap.dict(&[(key, value_object)]);
            let keys = heap.image.pointer(dict.offset(offset::DICT_KEYS));
            vec![(keys.offset(at), value)]
        });
        let counted = walked.trouble("implausible-length");
        assert_eq!(counted, troubles, "{at}: {value:#x}");
    }
}

#[test]
fn sets_and_deques_without_end() {
    walk_changed(|heap| {
        let item = heap.int(1);
        let set = heap.set(&[Some(item)]);
        vec![(set.offset(offset::SET_MASK), u64::MAX)]
    });
    walk_changed(|heap| {
        let items = [heap.int(1); 100];
        let deque = heap.deque(&items, 0);
        let block = heap.image.pointer(deque.offset(offset::DEQUE_LEFTBLOCK));
        vec![
            (deque.offset(offset::OB_SIZE), 1 << 36),
            (block.offset(offset::BLOCK_RIGHTLINK), block.get()),
        ]
    });
}

#[test]
fn an_ordered_dict_whose_list_goes_round() {
    walk_changed(|heap| {
        let (key, value) = (heap.text("key"), heap.int(1));
        let dict = heap.ordered_dict(&[(key, value)]);
        let node = heap.image.pointer(dict.offset(offset::ODICT_FIRST));
        vec![
            (dict.offset(offset::DICT_USED), u64::MAX),
            (node.offset(offset::NODE_NEXT), node.get()),
        ]
    });
}

#[test]
fn sizes_that_do_not_fit_are_no_sizes() {
    walk_changed(|heap| {
        let item = heap.int(1);
        let tuples = [heap.tuple(&[]), heap.tuple(&[])];
        let lists = [heap.list(&[item]), heap.list(&[item])];
        let bytes = heap.bytes(b"x");
        let text = heap.text("x");
        let code = heap.code("f", &[]).address;
        let holder = heap.list(&[bytes, text, code]);
        heap.hold("holder", holder);
        let sized = tuples.into_iter().chain([item, bytes, text, code]);
        let sizes = sized.map(|object| (object.offset(offset::OB_SIZE), 1 << 63 | 2));
        let allocated = lists.map(|list| (list.offset(offset::LIST_ALLOCATED), u64::MAX));
        sizes.chain(allocated).collect()
    });
}

#[test]
fn chains_of_frames_and_threads_that_go_round() {
    let (mut heap, witness, item) = heap_with_witness();
    let code = heap.code("f", &[("x", Variable::Local)]);
    let first = heap.frame(&FrameSpec::new(code, &[witness]));
    let mut previous = first;
    for _ in 0..50 {
        previous = heap.frame(&FrameSpec {
            previous,
            ..FrameSpec::new(code, &[item])
        });
    }
    heap.set_previous(first, previous);
    heap.innermost = previous;
    let (thread, interpreter) = (heap.thread, heap.interpreter);
    let mut process = heap.finish();
    process.image.put_pointer(thread.offset(8), thread);
    process.image.put_pointer(interpreter, interpreter);
    let walked = walk_broken(&process, PYTHON);
    assert_eq!(walked.snapshot.threads.len(), 1);
    assert_eq!(walked.snapshot.frames.len(), 51);
    assert_eq!(walked.trouble("broken-chain"), 3);
    assert_eq!(walked.owned(witness), steps([("[0]", item)]));
}

#[test]
fn a_frame_of_impossible_depth_and_lines() {
    let (mut heap, witness, _) = heap_with_witness();
    let code = heap.code("f", &[("x", Variable::Local)]);
    // Twenty entries, each of which goes 2^59 lines down.
    let entry = [&[0xe8][..], &[0x7e; 9], &[0x3f]].concat();
    let lines = heap.bytes(&entry.repeat(20));
    heap.image.put_pointer(code.address.offset(136), lines);
    let frame = heap.frame(&FrameSpec::new(code, &[witness]));
    heap.innermost = frame;
    let mut process = heap.finish();
    // The instruction that runs belongs to the last entry.
    let instruction = code.address.offset(192 + 38);
    process.image.put_pointer(frame.offset(56), instruction);
    assert_eq!(walk_broken(&process, PYTHON).snapshot.frames[0].line, 0);
    for stacktop in [i32::MAX, 1 << 20, i32::MIN] {
        let mut process = process.clone();
        let at = frame.offset(offset::FRAME_STACKTOP);
        process.image.put_u32(at, stacktop as u32);
        assert_eq!(walk_broken(&process, PYTHON).snapshot.frames.len(), 1);
    }
    for count in [u32::MAX, 1 << 20] {
        let mut process = process.clone();
        process.image.put_u32(code.address.offset(72), count);
        assert_eq!(walk_broken(&process, PYTHON).snapshot.frames.len(), 1);
    }
}

/// A class and an instance with an attribute.
fn class_with_instance(heap: &mut Heap, name: &str) -> (Class, RemoteAddress) {
    let class = heap.class(name, &["x"]);
    let value = heap.int(1);
    let instance = heap.instance(&class, Instance::Values(&[value]));
    (class, instance)
}

#[test]
fn types_that_inherit_from_each_other() {
    let mut instances = Vec::new();
    let walked = walk_changed(|heap| {
        let (a, of_a) = class_with_instance(heap, "A");
        let (b, of_b) = class_with_instance(heap, "B");
        instances = vec![of_a, of_b];
        let (a, b) = (a.address, b.address);
        vec![
            (a.offset(offset::TP_BASE), b.get()),
            (b.offset(offset::TP_BASE), a.get()),
        ]
    });
    assert_eq!(walked.kind(instances[0]), "app.A");
    assert_eq!(walked.kind(instances[1]), "app.B");
}

#[test]
fn a_type_whose_name_does_not_end() {
    let mut instance = RemoteAddress::NULL;
    let walked = walk_changed(|heap| {
        let class;
        (class, instance) = class_with_instance(heap, "Endless");
        let name = heap.allocate_before_hole(16);
        heap.image.put(name, b"Endless_________");
        vec![(class.address.offset(offset::TP_NAME), name.get())]
    });
    // The name of a class is a `str` as well.
    assert_eq!(walked.kind(instance), "app.Endless");
}

#[test]
fn a_class_whose_parts_are_broken_still_has_instances() {
    // `tp_dict`, `tp_members` and `ht_cached_keys`.
    for broken in [offset::TP_DICT, offset::TP_MEMBERS, 880] {
        let mut instance = RemoteAddress::NULL;
        let walked = walk_changed(|heap| {
            let class;
            (class, instance) = class_with_instance(heap, "Session");
            vec![
                (class.address.offset(broken), 0x1000),
                (class.address.offset(offset::OB_SIZE), 1),
            ]
        });
        assert!(walked.kind(instance).ends_with(".Session"));
        assert!(!walked.snapshot.metadata.diagnostics.is_empty());
    }
}

#[test]
fn what_is_no_type_has_no_instances() {
    let mut instance = RemoteAddress::NULL;
    let walked = walk_changed(|heap| {
        let class;
        (class, instance) = class_with_instance(heap, "Odd");
        let list = heap.type_named("list");
        vec![(class.address.offset(offset::OB_TYPE), list.get())]
    });
    assert_eq!(walked.find(instance), None);
    assert!(walked.trouble("not-an-object") >= 1);
}

#[test]
fn pointers_to_anything() {
    let mut list = RemoteAddress::NULL;
    let mut good = RemoteAddress::NULL;
    let walked = walk_changed(|heap| {
        good = heap.int(5);
        let block = heap.allocate(64);
        let wrong = [
            0x1000,
            good.get() + 1,
            block.get(),
            u64::MAX - 7,
            good.get() + 8,
        ];
        let wrong = wrong.map(RemoteAddress::new);
        list = heap.list(&[&wrong[..], &[good]].concat());
        Vec::new()
    });
    assert_eq!(walked.owned(list), steps([("[5]", good)]));
    assert!(walked.trouble("not-an-object") >= 3);
}

#[test]
fn without_any_type_there_is_nothing() {
    for values in [ValuesKept::None, ValuesKept::Short] {
        let mut heap = Heap::new(PYTHON);
        let code = heap.code("f", &[("x", Variable::Local)]);
        heap.innermost = heap.frame(&FrameSpec::new(code, &[]));
        let metatype = heap.type_named("type");
        let mut process = heap.finish();
        process.image.put_u64(metatype.offset(offset::TP_FLAGS), 0);
        let walked = try_walk(PYTHON, &process, values).unwrap();
        let real = walked.snapshot.metadata.counts.objects;
        assert_eq!((real, walked.snapshot.frames.len()), (0, 1));
    }
}

#[test]
fn a_million_tuples_in_each_other() {
    let mut heap = Heap::new(PYTHON);
    let none = heap.none;
    let chain = (0..1_000_000).fold(none, |inner, _| heap.untracked_tuple(&[inner]));
    let holder = heap.list(&[chain]);
    let process = heap.finish();
    let walked = walk_broken(&process, PYTHON);
    assert_eq!(walked.snapshot.metadata.diagnostics, []);
    assert_eq!(walked.owned(holder), steps([("[0]", chain)]));
    let (mut depth, mut at) = (0, walked.find(chain).unwrap());
    while let Some(reference) = walked.snapshot.references.of(at).next() {
        (depth, at) = (depth + 1, reference.target);
    }
    assert_eq!(depth, 1_000_000);
    assert_eq!(walked.address(at), none);
}

#[test]
fn memory_that_ends_early() {
    let (mut heap, ..) = heap_with_witness();
    for _ in 0..200 {
        class_with_instance(&mut heap, "Session");
    }
    let process = heap.finish();
    let regions = process.image.regions();
    let whole = walk_broken(&process, PYTHON).snapshot.objects.len();
    let end = regions.last().unwrap();
    for page in (end.start..end.end).step_by(4096) {
        let mut process = process.clone();
        process.image.unmap(page..end.end);
        let walked = try_walk_in(&regions, PYTHON, &process, ValuesKept::Short);
        assert!(walked.unwrap().snapshot.objects.len() < whole);
    }
    let mut process = process;
    process.image.unmap(regions[0].clone());
    let error = try_walk(PYTHON, &process, ValuesKept::Short).err();
    assert!(matches!(error, Some(WalkError::Runtime(_))), "{error:?}");
}
