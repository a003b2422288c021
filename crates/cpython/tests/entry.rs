//! What serves to get into an interpreter, against facts written down without the tables: by
//! gdb's `ptype /o` of the builds that the tables come from, and by a C compiler of headers.

#![allow(clippy::panic, clippy::unwrap_used)] // Test helpers may fail.

use exuvia_cpython::{EvalBreaker, Flavor, Layout, PendingCalls, Version};

const GIL: [(u8, u8); 8] = [
    (8, 18),
    (9, 18),
    (10, 13),
    (11, 7),
    (12, 1),
    (13, 0),
    (14, 10),
    (15, 2),
];
const FREE_THREADED: [(u8, u8); 5] = [(13, 5), (14, 9), (14, 10), (15, 1), (15, 2)];

fn layouts(releases: &[(u8, u8)], flavor: Flavor) -> Vec<Layout> {
    let layout = |&(minor, micro)| Layout::for_version(Version::new(3, minor, micro), flavor);
    releases.iter().map(|one| layout(one).unwrap()).collect()
}

/// What the tables say of a field, 0 where they say nothing.
fn found(layouts: &[Layout], name: &str, field: &str) -> Vec<u64> {
    let get = |layout: &Layout| layout.structs.get(name, field).unwrap_or(0);
    layouts.iter().map(get).collect()
}

const RUNTIME: &str = "_PyRuntimeState";
const INTERPRETER: &str = "PyInterpreterState";
const THREAD: &str = "PyThreadState";
const RING: &str = "_pending_calls";

#[test]
fn offsets_are_those_written_down() {
    let layouts = layouts(&GIL, Flavor::Gil);
    for (name, field, expected) in [
        (RUNTIME, "main_thread", [72, 72, 72, 80, 64, 656, 832, 960]),
        (
            RUNTIME,
            "audit_hook_head",
            [1456, 648, 648, 656, 3064, 10_424, 10_640, 10_760],
        ),
        (RUNTIME, "ceval_pending", [600, 0, 0, 0, 0, 0, 0, 0]),
        (RUNTIME, "ceval_eval_breaker", [592, 0, 0, 0, 0, 0, 0, 0]),
        (
            RUNTIME,
            "ceval_pending_mainthread",
            [0, 0, 0, 0, 2016, 2640, 2848, 2976],
        ),
        (
            INTERPRETER,
            "ceval_pending",
            [0, 80, 80, 112, 400, 32, 32, 32],
        ),
        (
            INTERPRETER,
            "ceval_eval_breaker",
            [0, 72, 68, 100, 368, 0, 0, 0],
        ),
        (
            INTERPRETER,
            "config_remote_debug",
            [0, 0, 0, 0, 0, 0, 8076, 8028],
        ),
        (
            RUNTIME,
            "ceval_gil_drop_request",
            [596, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            INTERPRETER,
            "ceval_gil_drop_request",
            [0, 76, 72, 104, 372, 0, 0, 0],
        ),
        (THREAD, "eval_breaker", [0, 0, 0, 0, 0, 24, 24, 24]),
        (
            THREAD,
            "async_exc",
            [168, 168, 168, 144, 128, 144, 144, 168],
        ),
        (
            THREAD,
            "debugger_pending_call",
            [0, 0, 0, 0, 0, 0, 304, 344],
        ),
        (THREAD, "debugger_script_path", [0, 0, 0, 0, 0, 0, 308, 348]),
        (
            THREAD,
            "debugger_script_path_length",
            [0, 0, 0, 0, 0, 0, 512, 512],
        ),
        (RING, "lock", [8, 0, 0, 0, 8, 8, 8, 8]),
        (RING, "calls", [24, 16, 16, 16, 24, 24, 24, 24]),
        (RING, "calls_length", [32, 32, 32, 32, 32, 300, 300, 300]),
        (RING, "first", [536, 528, 528, 528, 536, 7224, 7224, 7224]),
        (RING, "last", [540, 532, 532, 532, 540, 7228, 7228, 7228]),
        (RING, "calls_to_do", [16, 8, 8, 8, 16, 0, 0, 0]),
        (RING, "async_exc", [20, 12, 12, 12, 20, 0, 0, 0]),
        (RING, "npending", [0, 0, 0, 0, 0, 12, 12, 12]),
        (RING, "max", [0, 0, 0, 0, 0, 16, 16, 16]),
    ] {
        assert_eq!(found(&layouts, name, field), expected, "{name}.{field}");
    }
}

#[test]
fn without_a_lock_they_are_those_of_the_headers() {
    let layouts = layouts(&FREE_THREADED, Flavor::FreeThreaded);
    for (name, field, expected) in [
        (RUNTIME, "main_thread", [656, 832, 832, 960, 960]),
        (
            RUNTIME,
            "ceval_pending_mainthread",
            [2640, 2848, 2848, 2976, 2976],
        ),
        (INTERPRETER, "ceval_pending", [32; 5]),
        (
            INTERPRETER,
            "config_remote_debug",
            [0, 8108, 8108, 8036, 8036],
        ),
        (THREAD, "eval_breaker", [24; 5]),
        (THREAD, "state", [40, 44, 44, 48, 48]),
        (THREAD, "debugger_pending_call", [0, 304, 304, 344, 344]),
        (RING, "last", [7228; 5]),
        ("_gil_runtime_state", "locked", [24; 5]),
        ("_gil_runtime_state", "mutex", [88; 5]),
    ] {
        assert_eq!(found(&layouts, name, field), expected, "{name}.{field}");
    }
    for layout in layouts {
        assert_eq!(layout.structs.gil_runtime_state.enabled, Some(0));
    }
}

#[test]
fn entries_hold_flags_from_3_13() {
    let sizes = layouts(&GIL, Flavor::Gil).into_iter();
    let sizes: Vec<_> = sizes
        .map(|layout| layout.structs.pending_calls.entry_size())
        .collect();
    assert_eq!(sizes, [16, 16, 16, 16, 16, 24, 24, 24]);
}

#[test]
fn shapes_are_those_of_each_series() {
    use EvalBreaker::{BitsOfThread, FlagOfInterpreter, FlagOfRuntime};
    use PendingCalls::{AnyThread, MainThread};
    let shapes = layouts(&GIL, Flavor::Gil).into_iter();
    let shapes: Vec<_> = shapes
        .map(|layout| (layout.shapes.pending_calls, layout.shapes.eval_breaker))
        .collect();
    let expected = [
        (MainThread, FlagOfRuntime),
        (MainThread, FlagOfInterpreter),
        (MainThread, FlagOfInterpreter),
        (MainThread, FlagOfInterpreter),
        (AnyThread, FlagOfInterpreter),
        (AnyThread, BitsOfThread),
        (AnyThread, BitsOfThread),
        (AnyThread, BitsOfThread),
    ];
    assert_eq!(shapes, expected);
}
