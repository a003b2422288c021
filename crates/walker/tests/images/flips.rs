//! Random damage to an image in which everything occurs: the walk always ends with a
//! snapshot that does not contradict itself, or with an error.

use exuvia_memory::RemoteAddress;
use exuvia_snapshot::ValuesKept;
use exuvia_synth::{
    ClassSpec, FrameSpec, Heap, Instance, Process, Python, State, Storage, Text, Variable,
};
use exuvia_walker::WalkError;

use crate::walked::try_walk;

const ROUNDS: u64 = 1500;

/// Numbers that are the same in every run: xorshift.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed * 2 + 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// A heap in which everything occurs that can be laid out.
fn everything(python: Python) -> Process {
    let mut heap = Heap::new(python);
    let (a, b, x, y) = (
        heap.int(-5),
        heap.int(1 << 70),
        heap.text("x"),
        heap.text("y"),
    );
    let wide = heap.text_of(&Text {
        text: "hé😀",
        storage: Storage::Compact(4),
        with_utf8: true,
    });
    let legacy = heap.text_of(&Text {
        text: "legacy",
        storage: Storage::Legacy,
        with_utf8: false,
    });
    let (float, bytes) = (heap.float(1.5), heap.bytes(b"bytes"));
    let scalars = heap.tuple(&[a, b, wide, legacy, float, bytes]);
    let set = heap.set(&[Some(a), None, Some(b)]);
    let items = [scalars; 70];
    let deque = heap.deque(&items, 5);
    let general = heap.general_dict(&[Some((a, set)), None, Some((b, deque))]);
    let ordered = heap.ordered_dict(&[(x, a), (y, general)]);

    let class = heap.class("Session", &["x", "y"]);
    let values = heap.instance(&class, Instance::Values(&[a, ordered]));
    let keys = heap.shared_keys(&[x, y]);
    let split = heap.split_dict(keys, &[a, b]);
    let with_dict = heap.instance(&class, Instance::Dict(split));
    let point = heap.class_of(&ClassSpec {
        name: "Point",
        module: "geo",
        base: heap.type_named("object"),
        slots: Some(&["p", "q"]),
        attributes: &[],
    });
    let point = heap.instance(&point, Instance::Slots(&[values, with_dict]));
    let ob_type = heap.extension_type("ext.Thing", 48);
    let thing = heap.raw(ob_type, &[point.get(), 42, values.get(), 7]);
    let list = heap.list(&[thing, point, values]);
    let dict = heap.dict(&[(x, list)]);

    let cell = heap.cell(list);
    let code = heap.code("run", &[("x", Variable::Local), ("c", Variable::Cell)]);
    let slots = [a, cell, b];
    let spec = FrameSpec {
        stacktop: 3,
        ..FrameSpec::new(code, &slots)
    };
    let (generator, inner) = heap.generator(State::Suspended, &spec);
    heap.frame_object(inner);
    let outer = heap.frame(&FrameSpec {
        globals: dict,
        ..FrameSpec::new(code, &[generator, cell])
    });
    heap.innermost = heap.frame(&FrameSpec {
        previous: outer,
        ..FrameSpec::new(code, &[RemoteAddress::NULL, cell])
    });
    heap.hold("dict", dict);
    heap.finish()
}

fn walk_damaged(python: Python, process: &Process, round: u64) -> bool {
    let values = [ValuesKept::None, ValuesKept::Short, ValuesKept::Full];
    let values = values[(round % 3) as usize];
    match try_walk(python, process, values) {
        Ok(walked) => !walked.snapshot.objects.is_empty(),
        Err(WalkError::Runtime(_) | WalkError::NoInterpreter) => false,
        Err(error) => panic!("{python:?}, round {round}: {error}"),
    }
}

#[test]
fn flipped_bytes() {
    for python in Python::ALL {
        let mut process = everything(python);
        let written = process.image.written().to_vec();
        let mut random = Random::new(11);
        let mut found = 0;
        for round in 0..ROUNDS {
            let flips: Vec<_> = (0..=random.below(3))
                .map(|_| {
                    let range = &written[random.below(written.len())];
                    let at = range.start + random.below((range.end - range.start) as usize) as u64;
                    (at, random.below(255) as u8 + 1)
                })
                .collect();
            for &(at, mask) in &flips {
                process.image.flip(at, mask);
            }
            found += u64::from(walk_damaged(python, &process, round));
            for &(at, mask) in &flips {
                process.image.flip(at, mask);
            }
        }
        // Most damage is local.
        assert!(found > ROUNDS * 9 / 10, "{python:?}: {found} of {ROUNDS}");
    }
}

#[test]
fn words_in_the_wrong_place() {
    for python in Python::ALL {
        let process = everything(python);
        let words: Vec<_> = process
            .image
            .written()
            .iter()
            .flat_map(|range| range.clone().step_by(8))
            .map(|at| RemoteAddress::new(at).without_bits(7))
            .collect();
        let mut image = process.clone();
        let mut random = Random::new(12);
        for round in 0..ROUNDS {
            let swaps: Vec<_> = (0..=random.below(2))
                .map(|_| {
                    let to = words[random.below(words.len())];
                    let from = words[random.below(words.len())];
                    let small = (random.below(7) as u64).wrapping_sub(3);
                    let value = match random.below(3) {
                        0 => from.get(),
                        1 => small,
                        _ => process.image.u64(from),
                    };
                    (to, value)
                })
                .collect();
            for &(to, value) in &swaps {
                image.image.overwrite_u64(to, value);
            }
            walk_damaged(python, &image, round);
            for &(to, _) in &swaps {
                image.image.overwrite_u64(to, process.image.u64(to));
            }
        }
    }
}
