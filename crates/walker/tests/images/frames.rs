//! Threads, frames, cells and generators, where frames are not objects.

use exuvia_memory::RemoteAddress;
use exuvia_snapshot::{ObjectFlags, RootCategory};
use exuvia_synth::{FrameSpec, Heap, Owner, Python, State, Variable};

use crate::walked::{steps, walk_sound};

#[test]
fn frames_without_objects_are_rows_and_roots() {
    for python in Python::FROM_3_11 {
        let mut heap = Heap::new(python);
        let (a, b) = (heap.int(1), heap.int(2));
        let cell = heap.cell(b);
        let code = heap.code(
            "outer",
            &[("x", Variable::Local), ("shared", Variable::Cell)],
        );
        let globals = heap.dict(&[]);
        let outer = heap.frame(&FrameSpec {
            globals,
            ..FrameSpec::new(code, &[a, cell, b])
        });
        let code_inner = heap.code("inner", &[("unset", Variable::Local)]);
        let previous = match python {
            Python::V3_11 => outer,
            // What joins two runs of the evaluation loop is no frame of Python.
            _ => heap.frame(&FrameSpec {
                previous: outer,
                owner: Owner::CStack,
                ..FrameSpec::new(code_inner, &[])
            }),
        };
        let inner = heap.frame(&FrameSpec {
            previous,
            ..FrameSpec::new(code_inner, &[RemoteAddress::NULL])
        });
        heap.innermost = inner;
        let walked = walk_sound(heap, python);

        let expected = steps([
            (".f_code", code.address),
            ("local x", a),
            ("cell shared", cell),
        ]);
        assert_eq!(walked.owned(outer), expected, "{python:?}");
        // How far its stack reaches is not known while it runs.
        let expected = steps([(".f_globals", globals), ("stack 0", b)]);
        assert_eq!(walked.borrowed(outer), expected);
        assert_eq!(walked.owned(cell), steps([(".cell_contents", b)]));
        assert!(walked.has(outer, ObjectFlags::SYNTHETIC));
        assert_eq!(walked.kind(outer), "types.FrameType");
        assert_eq!(walked.size(outer), 0);

        let frames: Vec<_> = walked
            .snapshot
            .frames
            .iter()
            .map(|frame| {
                (
                    frame.depth,
                    frame.function.as_str(),
                    walked.address(frame.object),
                )
            })
            .collect();
        assert_eq!(frames, [(0, "outer", outer), (1, "inner", inner)]);
        let frame = &walked.snapshot.frames[0];
        assert_eq!((frame.file.as_str(), frame.line), ("app.py", 42));
        assert_eq!(walked.snapshot.threads[0].ident, 140_001);
        assert_eq!(walked.snapshot.threads[0].native_id, Some(77));
        let mut roots = walked.snapshot.roots.iter();
        let root = roots.find(|root| root.category == RootCategory::Thread);
        let root = root.unwrap();
        assert_eq!(root.name, "i0_t140001_f0");
        assert_eq!(walked.address(root.target), outer);
    }
}

#[test]
fn a_frame_with_an_object_is_that_object() {
    for python in Python::FROM_3_11 {
        let mut heap = Heap::new(python);
        let a = heap.int(1);
        let code = heap.code("run", &[("x", Variable::Local)]);
        let frame = heap.frame(&FrameSpec::new(code, &[a]));
        let object = heap.frame_object(frame);
        heap.innermost = frame;
        let walked = walk_sound(heap, python);
        let expected = steps([(".f_code", code.address), ("local x", a)]);
        assert_eq!(walked.owned(object), expected, "{python:?}");
        assert_eq!(walked.find(frame), None);
        assert!(!walked.has(object, ObjectFlags::SYNTHETIC));
        // One variable and four places of stack.
        let head = match python {
            Python::V3_13 => 64 + 72,
            Python::V3_14 | Python::V3_15 => 72 + 80,
            _ => 48 + 72,
        };
        assert_eq!(walked.size(object), 16 + head + 5 * 8);
    }
}

#[test]
fn a_suspended_generator_owns_its_locals_and_stack() {
    for python in Python::FROM_3_11 {
        let mut heap = Heap::new(python);
        let (a, b) = (heap.int(1), heap.int(2));
        let code = heap.code("numbers", &[("x", Variable::Local), ("y", Variable::Local)]);
        let slots = [a, RemoteAddress::NULL, b];
        let spec = FrameSpec {
            stacktop: 3,
            ..FrameSpec::new(code, &slots)
        };
        let (generator, frame) = heap.generator(State::Suspended, &spec);
        let shown = heap.frame_object(frame);
        let walked = walk_sound(heap, python);
        let owned = walked.owned(generator);
        for step in [
            (".gi_code", code.address),
            (".gi_frame", shown),
            ("suspended x", a),
            ("suspended stack 0", b),
        ] {
            assert!(owned.contains(&(step.0.to_owned(), step.1)), "{step:?}");
        }
        // The frame object only shows what the generator owns.
        assert_eq!(walked.owned(shown), []);
        let expected = steps([(".f_code", code.address), ("local x", a), ("stack 0", b)]);
        assert_eq!(walked.borrowed(shown), expected, "{python:?}");
        let head = match python {
            Python::V3_12 | Python::V3_13 => 72 + 72,
            Python::V3_14 | Python::V3_15 => 72 + 80,
            _ => 80 + 72,
        };
        assert_eq!(walked.size(generator), 16 + head + 6 * 8);
    }
}

#[test]
fn what_a_running_generator_holds_is_its_frame_s() {
    for python in Python::FROM_3_11 {
        let mut heap = Heap::new(python);
        let a = heap.int(1);
        let code = heap.code("numbers", &[("x", Variable::Local)]);
        let slots = [a];
        let spec = FrameSpec::new(code, &slots);
        let (running, frame) = heap.generator(State::Executing, &spec);
        let (ended, _) = heap.generator(State::Cleared, &spec);
        heap.innermost = frame;
        let walked = walk_sound(heap, python);
        let local = ("local x".to_owned(), a);
        assert!(walked.owned(frame).contains(&local), "{python:?}");
        for generator in [running, ended] {
            let owned = walked.owned(generator);
            assert!(owned.iter().all(|&(_, target)| target != a), "{owned:?}");
        }
    }
}

#[test]
fn slots_with_tags_lead_to_their_objects() {
    for python in [Python::V3_14, Python::V3_15] {
        let mut heap = Heap::new(python);
        let (counted, borrowed, none) = (heap.int(1), heap.int(2), heap.none);
        // As from 3.14 on: immortal, with flags above the count.
        heap.image.put_u64(none, 0x0005_0000_c000_0000);
        let code = heap.code("tags", &[("x", Variable::Local), ("y", Variable::Local)]);
        let tagged = |object: RemoteAddress, tag| RemoteAddress::new(object.get() | tag);
        let number = RemoteAddress::new(5 << 2 | 3);
        let empty = RemoteAddress::new(1);
        let slots = [counted, tagged(borrowed, 1), tagged(none, 1), number, empty];
        let frame = heap.frame(&FrameSpec {
            stacktop: slots.len() as i32,
            ..FrameSpec::new(code, &slots)
        });
        let at = heap.image.pointer(frame);
        heap.image.put_pointer(frame, tagged(at, 1));
        heap.innermost = frame;
        heap.hold("borrowed", borrowed);
        heap.hold("code", code.address);
        let walked = walk_sound(heap, python);
        assert_eq!(
            walked.owned(frame),
            steps([("local x", counted), ("stack 0", none)]),
            "{python:?}"
        );
        // Not counted, so something else keeps it.
        assert_eq!(
            walked.borrowed(frame),
            steps([(".f_code", code.address), ("local y", borrowed)])
        );
        assert!(walked.has(none, ObjectFlags::IMMORTAL));
    }
}
