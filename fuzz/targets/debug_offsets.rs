//! `_Py_DebugOffsets` that lie, and the walk by what they say.
#![no_main]

use exuvia_cpython::Layout;
use exuvia_fuzz::{edits, layout, walk_damaged};
use exuvia_memory::{PageCache, RemoteAddress};
use exuvia_synth::{Process, Python, everything};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

struct Scene {
    process: Process,
    layout: Layout,
    /// Where the offsets stand that are read.
    places: Vec<RemoteAddress>,
}

/// The interpreters that publish their offsets, with offsets that are right.
static SCENES: LazyLock<Vec<Scene>> = LazyLock::new(|| {
    let scenes = Python::ALL.into_iter().filter_map(scene);
    scenes.collect()
});

fn scene(python: Python) -> Option<Scene> {
    let layout = layout(python);
    if layout.debug_offsets.is_empty() {
        return None;
    }
    let mut process = everything(python);
    let runtime = process.runtime;
    let places: Vec<_> = layout
        .debug_offsets
        .values()
        .map(|&at| runtime.offset(at))
        .collect();
    // The list of interpreters begins behind the offsets, and must stay.
    process.image.put(runtime, b"xdebugpy");
    let version = u64::from(layout.version.to_hex());
    process.image.put_u64(runtime.offset(8), version);
    // A number of its own in each place tells which field of the table stands where.
    for (number, &place) in (1..).zip(&places) {
        process.image.put_u64(place, NUMBERED + number);
    }
    let found = layout
        .clone()
        .apply_debug_offsets(&mut PageCache::new(&process.image, 0), runtime)
        .expect("offsets that can be");
    for one in found {
        let number = (one.target - NUMBERED) as usize;
        process.image.put_u64(places[number - 1], one.table);
    }
    Some(Scene {
        process,
        layout,
        places,
    })
}

/// Larger than any offset of a small struct, and one that can be.
const NUMBERED: u64 = 0x4000;

fuzz_target!(|input: &[u8]| {
    let Some((&python, input)) = input.split_first() else {
        return;
    };
    let scene = &SCENES[usize::from(python) % SCENES.len()];
    let runtime = scene.process.runtime;
    let mut image = scene.process.image.clone();
    for edit in edits(input) {
        let at = match edit.kind % 4 {
            // Cookie, version and flavor as well.
            0 => runtime.offset(edit.place as u64 % 24),
            _ => scene.places[edit.place % scene.places.len()],
        };
        let value = match edit.kind % 4 {
            1 => edit.value % (1 << 16),
            _ => edit.value,
        };
        image.overwrite_u64(at, value);
    }
    let mut layout = scene.layout.clone();
    let fitted = layout.apply_debug_offsets(&mut PageCache::new(&image, 0), runtime);
    if fitted.is_ok() {
        // Whether they are right is another question, which is not asked here: the walk has
        // to end whatever it is told.
        walk_damaged(&image, &scene.process, &layout);
        let _ = layout.fit(&mut PageCache::new(&image, 0), runtime);
    }
});
