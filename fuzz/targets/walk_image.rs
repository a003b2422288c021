//! The walk over a damaged heap.
#![no_main]

use exuvia_cpython::Layout;
use exuvia_fuzz::{edits, layout, walk_damaged};
use exuvia_memory::RemoteAddress;
use exuvia_synth::{Process, Python, everything};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

struct Scene {
    process: Process,
    layout: Layout,
    /// The words that were written.
    words: Vec<RemoteAddress>,
}

static SCENES: LazyLock<Vec<Scene>> = LazyLock::new(|| Python::ALL.map(scene).into());

fn scene(python: Python) -> Scene {
    let process = everything(python);
    let written = process.image.written().iter();
    let words = written
        .flat_map(|range| range.clone().step_by(8))
        .map(|at| RemoteAddress::new(at).without_bits(7))
        .collect();
    Scene {
        layout: layout(python),
        words,
        process,
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&python, input)) = input.split_first() else {
        return;
    };
    let scene = &SCENES[usize::from(python) % SCENES.len()];
    let words = &scene.words;
    let mut image = scene.process.image.clone();
    for edit in edits(input) {
        let at = words[edit.place % words.len()];
        match edit.kind % 3 {
            0 => image.overwrite_u64(at, edit.value),
            1 => image.overwrite_u64(at, words[edit.value as usize % words.len()].get()),
            _ => image.flip(at.get() + edit.value % 8, (edit.value >> 8) as u8),
        }
    }
    walk_damaged(&image, &scene.process, &scene.layout);
});
