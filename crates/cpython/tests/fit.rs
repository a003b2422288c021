//! Fitting a table to a target, on a memory image whose offsets are written here again.

#![allow(clippy::panic, clippy::unwrap_used)] // Test helpers may fail.

mod common;

use common::Image;
use exuvia_cpython::{Disagreement, Flavor, Invalid, Layout, Version};
use exuvia_memory::{PageCache, RemoteAddress};

const RUNTIME: u64 = 0x10_0000;
const INTERPRETER: u64 = 0x20_0000;
const THREAD: u64 = 0x30_0000;
const SYSDICT: u64 = 0x40_0000;
const DICT: u64 = 0x50_0000;
const TYPE: u64 = 0x60_0000;

/// An interpreter of 3.12, at rest.
fn image_of_3_12() -> Image {
    let words = [
        (RUNTIME + 40, INTERPRETER),
        (INTERPRETER + 72, THREAD),
        (INTERPRETER + 96, RUNTIME),
        (INTERPRETER + 112 + 96, INTERPRETER + 112 + 24),
        (INTERPRETER + 352, SYSDICT),
        (THREAD + 16, INTERPRETER),
        // The first of the static types, which their state names.
        (DICT + 360, 1),
        (INTERPRETER + 373_704, DICT),
        (SYSDICT + 8, DICT),
        (DICT + 8, TYPE),
        (DICT + 24, DICT + 1024),
        (DICT + 1024, u64::from_le_bytes(*b"dict\0\0\0\0")),
        (TYPE + 8, TYPE),
        (TYPE + 24, TYPE + 1024),
        (TYPE + 1024, u64::from_le_bytes(*b"type\0\0\0\0")),
    ];
    Image {
        words: words.into_iter().collect(),
    }
}

fn fit(version: Version, image: &Image) -> (Layout, Result<Vec<Disagreement>, Invalid>) {
    let mut layout = Layout::for_version(version, Flavor::Gil).unwrap();
    let mut cache = PageCache::new(image, 0);
    let result = layout.fit(&mut cache, RemoteAddress::new(RUNTIME));
    (layout, result)
}

fn fit_3_12(changes: &[(u64, u64)]) -> (Layout, Result<Vec<Disagreement>, Invalid>) {
    let mut image = image_of_3_12();
    image.words.extend(changes.iter().copied());
    fit(Version::new(3, 12, 1), &image)
}

#[test]
fn a_table_that_fits_stays_as_it_is() {
    let (layout, result) = fit_3_12(&[]);
    assert_eq!(result, Ok(vec![]));
    assert_eq!(layout.structs.gc_runtime_state.generations, 24);
}

#[test]
fn moved_generations_are_followed() {
    let (layout, result) = fit_3_12(&[(INTERPRETER + 208, INTERPRETER + 112 + 20)]);
    let moved = result.unwrap();
    assert_eq!(
        moved[0].to_string(),
        "_gc_runtime_state.generations is at 20 in the target, and at 24 in the table"
    );
    assert_eq!(layout.structs.gc_runtime_state.generations, 20);
    assert_eq!(layout.structs.gc_runtime_state.permanent_generation, 104);
}

#[test]
fn what_does_not_lead_back_is_refused_by_name() {
    for (change, named) in [
        ((RUNTIME + 40, 0), "no interpreter"),
        ((INTERPRETER + 96, 0), "interp->runtime is 0x0"),
        (
            (THREAD + 16, TYPE),
            "interp->threads.head->interp is 0x600000",
        ),
        ((TYPE + 8, DICT), "type(type) is 0x500000"),
        (
            (DICT + 1024, u64::from_le_bytes(*b"list\0\0\0\0")),
            "is named 'list'",
        ),
        ((DICT + 360, 2), "interp->types.builtins[dict].type is 0x0"),
        (
            (INTERPRETER + 208, THREAD),
            "interp->gc.generation0 is 0x300000",
        ),
        (
            (INTERPRETER + 208, INTERPRETER + 112 + 90),
            "interp->gc.generation0",
        ),
    ] {
        let (_, result) = fit_3_12(&[change]);
        let message = result.unwrap_err().to_string();
        assert!(message.contains(named), "{message}");
    }
}

/// What CPython 3.13.0 has at `_PyRuntime`, read from a running one.
const DEBUG_OFFSETS: [u64; 73] = [
    u64::from_le_bytes(*b"xdebugpy"),
    0x030d_00f0,
    0,
    283_320,
    608,
    632,
    194_968,
    7272,
    7264,
    7344,
    7400,
    7656,
    7640,
    7648,
    16,
    7752,
    0,
    7768,
    7760,
    304,
    0,
    8,
    16,
    72,
    152,
    160,
    232,
    32,
    80,
    8,
    0,
    56,
    72,
    70,
    208,
    112,
    120,
    128,
    136,
    68,
    52,
    96,
    104,
    200,
    16,
    8,
    416,
    24,
    88,
    168,
    32,
    24,
    16,
    40,
    24,
    16,
    48,
    32,
    40,
    24,
    16,
    32,
    16,
    24,
    40,
    16,
    32,
    64,
    32,
    16,
    40,
    240,
    200,
];

/// An interpreter of 3.13, at rest.
fn image_of_3_13() -> Image {
    let mut words = image_of_3_12().words.split_off(&THREAD);
    words.extend((RUNTIME..).step_by(8).zip(DEBUG_OFFSETS));
    words.extend([
        (RUNTIME + 632, INTERPRETER),
        (INTERPRETER + 7344, THREAD),
        (INTERPRETER + 7376, RUNTIME),
        (INTERPRETER + 7400 + 96, INTERPRETER + 7400 + 24),
        (INTERPRETER + 7640, SYSDICT),
        (INTERPRETER + 182_968, DICT),
    ]);
    Image { words }
}

#[test]
fn the_table_agrees_with_what_an_interpreter_publishes() {
    let (_, result) = fit(Version::new(3, 13, 0), &image_of_3_13());
    assert_eq!(result, Ok(vec![]));
}

#[test]
fn published_offsets_come_before_the_table() {
    let mut image = image_of_3_13();
    image.words.insert(RUNTIME + 432, 48);
    let (layout, result) = fit(Version::new(3, 13, 0), &image);
    let texts: Vec<_> = result.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(layout.structs.py_list_object.ob_item, 48);
    assert_eq!(
        texts,
        ["PyListObject.ob_item is at 48 in the target, and at 24 in the table"]
    );
}

#[test]
fn offsets_of_another_version_are_refused() {
    let mut image = image_of_3_13();
    image.words.insert(RUNTIME + 8, 0x030e_00f0);
    let (_, result) = fit(Version::new(3, 13, 0), &image);
    assert!(matches!(result, Err(Invalid::OtherVersion { .. })));
    image.words.insert(RUNTIME, 0);
    let (_, result) = fit(Version::new(3, 13, 0), &image);
    assert!(matches!(result, Err(Invalid::NoCookie { .. })));
}

#[test]
fn impossible_offsets_are_refused() {
    let mut image = image_of_3_13();
    image.words.insert(RUNTIME + 432, u64::MAX);
    let (_, result) = fit(Version::new(3, 13, 0), &image);
    let message = result.unwrap_err().to_string();
    assert_eq!(
        message,
        "_Py_DebugOffsets gives 18446744073709551615 for list_object.ob_item"
    );
}

/// The bit field `_status` of a thread is what `thread_state.status` is about, and not `state`,
/// which the table has: the two differ in every build.
#[test]
fn the_status_of_a_thread_is_not_its_state() {
    const STATUS: u64 = 216;
    let mut image = image_of_3_13();
    assert_eq!(image.words[&(RUNTIME + STATUS)], 32);
    image.words.insert(RUNTIME + STATUS, 36);
    let (layout, result) = fit(Version::new(3, 13, 0), &image);
    assert_eq!(result, Ok(vec![]));
    assert_eq!(layout.structs.py_thread_state.state, Some(40));
}
