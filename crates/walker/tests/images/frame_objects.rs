//! Up to 3.10: frames and generators, of which each is an object of its own, and instances,
//! of which each has a dictionary.

use exuvia_memory::RemoteAddress;
use exuvia_snapshot::{ObjectFlags, RootCategory};
use exuvia_synth::{FrameSpec, Heap, Instance, Python, State, Variable};

use crate::walked::{steps, walk_sound};

/// `sizeof(PyFrameObject)` without the place for a variable at its end.
fn frame_size(python: Python) -> u64 {
    if python == Python::V3_10 { 352 } else { 360 }
}

#[test]
fn frames_that_run_own_their_variables_but_not_their_stack() {
    for python in Python::UP_TO_3_10 {
        let mut heap = Heap::new(python);
        let (a, b) = (heap.int(1), heap.int(2));
        let cell = heap.cell(b);
        let outer_code = heap.code(
            "outer",
            &[("x", Variable::Local), ("shared", Variable::Cell)],
        );
        let globals = heap.dict(&[]);
        let outer = heap.frame(&FrameSpec {
            globals,
            ..FrameSpec::new(outer_code, &[a, cell, b])
        });
        let inner_code = heap.code("inner", &[("unset", Variable::Local)]);
        let inner = heap.frame(&FrameSpec {
            previous: outer,
            ..FrameSpec::new(inner_code, &[RemoteAddress::NULL])
        });
        heap.innermost = inner;
        let walked = walk_sound(heap, python);

        let mut owned = walked.owned(outer);
        owned.sort();
        let mut expected = steps([
            (".f_code", outer_code.address),
            (".f_globals", globals),
            ("local x", a),
            ("cell shared", cell),
        ]);
        expected.sort();
        assert_eq!(owned, expected, "{python:?}");
        // How far its stack reaches is not known while it runs.
        assert_eq!(walked.borrowed(outer), steps([("stack 0", b)]));
        let expected = steps([(".f_back", outer), (".f_code", inner_code.address)]);
        assert_eq!(walked.owned(inner), expected);
        assert!(!walked.has(outer, ObjectFlags::SYNTHETIC));
        assert_eq!(walked.kind(outer), "types.FrameType");
        // Two variables and four places of stack.
        assert_eq!(walked.size(outer), 16 + frame_size(python) + 6 * 8);

        let snapshot = &walked.snapshot;
        let frames = snapshot.frames.iter();
        let frames: Vec<_> = frames
            .map(|frame| (frame.function.as_str(), walked.address(frame.object)))
            .collect();
        assert_eq!(frames, [("outer", outer), ("inner", inner)]);
        let frame = &snapshot.frames[0];
        assert_eq!((frame.file.as_str(), frame.line), ("app.py", 42));
        assert_eq!(snapshot.threads[0].ident, 140_001);
        assert_eq!(snapshot.threads[0].native_id, None);
        let mut roots = snapshot.roots.iter();
        let root = roots.find(|root| root.category == RootCategory::Thread);
        let root = root.unwrap();
        assert_eq!(root.name, "i0_t140001_f0");
        assert_eq!(walked.address(root.target), outer);
    }
}

#[test]
fn the_frame_of_a_suspended_generator_owns_its_variables_and_stack() {
    for python in Python::UP_TO_3_10 {
        let mut heap = Heap::new(python);
        let (a, b, stale) = (heap.int(1), heap.int(2), heap.list(&[]));
        let code = heap.code("numbers", &[("x", Variable::Local), ("y", Variable::Local)]);
        let slots = [a, RemoteAddress::NULL, b, stale];
        let spec = FrameSpec {
            stacktop: 3,
            ..FrameSpec::new(code, &slots)
        };
        let (generator, frame) = heap.generator(State::Suspended, &spec);
        let (ended, nothing) = heap.generator(State::Cleared, &spec);
        assert!(nothing.is_null());
        let walked = walk_sound(heap, python);

        let owned = walked.owned(generator);
        for (step, target) in [(".gi_frame", frame), (".gi_code", code.address)] {
            assert!(owned.contains(&(step.to_owned(), target)), "{owned:?}");
        }
        let expected = steps([(".f_code", code.address), ("local x", a), ("stack 0", b)]);
        assert_eq!(walked.owned(frame), expected, "{python:?}");
        // The generator owns its frame, and the frame knows its generator.
        assert_eq!(walked.borrowed(frame), steps([("->f_gen", generator)]));
        let size = if python == Python::V3_10 { 88 } else { 96 };
        assert_eq!(walked.size(generator), 16 + size);
        let owned = walked.owned(ended);
        assert!(owned.iter().all(|&(_, target)| target != a), "{owned:?}");
    }
}

#[test]
fn a_stack_deeper_than_its_code_allows_is_counted_as_trouble() {
    for python in Python::UP_TO_3_10 {
        let mut heap = Heap::new(python);
        let a = heap.int(1);
        let code = heap.code("deep", &[("x", Variable::Local)]);
        let slots = [a];
        let spec = FrameSpec {
            stacktop: 1000,
            ..FrameSpec::new(code, &slots)
        };
        let (_, frame) = heap.generator(State::Suspended, &spec);
        let walked = crate::walked::walk_broken(&heap.finish(), python);
        assert_ne!(walked.trouble("implausible-length"), 0, "{python:?}");
        assert!(walked.owned(frame).contains(&("local x".to_owned(), a)));
    }
}

#[test]
fn attributes_are_values_of_a_dictionary_that_borrows_its_keys() {
    for python in Python::UP_TO_3_10 {
        let mut heap = Heap::new(python);
        let (a, b) = (heap.int(1), heap.int(2));
        let class = heap.class("Session", &["user", "gone", "token"]);
        let values = [a, RemoteAddress::NULL, b];
        let session = heap.instance(&class, Instance::Values(&values));
        let walked = walk_sound(heap, python);
        let owned = walked.owned(session);
        let dict = owned[0].1;
        let expected = steps([(".__dict__", dict), ("->ob_type", class.address)]);
        assert_eq!(owned, expected, "{python:?}");
        assert_eq!(walked.kind(dict), "dict of app.Session");
        let expected = steps([("[user]", a), ("[token]", b)]);
        assert_eq!(walked.owned(dict), expected);
        let (user, token) = (class.attributes[0], class.attributes[2]);
        let expected = steps([(".keys()[0]", user), (".keys()[1]", token)]);
        assert_eq!(walked.borrowed(dict), expected);
        // The head of the collector, and two pointers more than `object`.
        assert_eq!(walked.size(session), 16 + 32);
        assert_eq!(walked.size(dict), 64 + 5 * 8);
    }
}
