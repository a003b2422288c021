//! The version of an interpreter that does not publish it, told by its own `sys`.

#![allow(clippy::panic, clippy::unwrap_used)] // Test helpers may fail.

use exuvia_cpython::{Layout, Version};
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_synth::{Heap, Process, Python, everything};

fn identified(process: &Process) -> Option<Version> {
    let layout = Layout::identify(&process.image, process.runtime);
    layout.map(|layout| layout.version)
}

#[test]
fn sys_tells_the_version() {
    for python in Python::UP_TO_3_10 {
        let version = Version::from_hex(python.hexversion()).unwrap();
        assert_eq!(version, Version::new(3, python.minor(), 1));
        assert_eq!(identified(&Heap::new(python).finish()), Some(version));
        assert_eq!(identified(&everything(python)), Some(version));
    }
}

#[test]
fn a_later_interpreter_is_not_taken_for_an_old_one() {
    for python in Python::FROM_3_11 {
        assert_eq!(identified(&everything(python)), None, "{python:?}");
    }
}

#[test]
fn a_table_that_fits_another_version_by_chance_does_not_hold() {
    // 3.9 and 3.10 agree in all that is looked at; only the version tells them apart.
    for (python, other) in [
        (Python::V3_9, Python::V3_10),
        (Python::V3_10, Python::V3_9),
        (Python::V3_8, Python::V3_9),
    ] {
        let mut process = Heap::new(python).finish();
        let from = python.hexversion().to_le_bytes();
        replace(&mut process, &from, &other.hexversion().to_le_bytes());
        let found = identified(&process);
        let fits = (python, other) != (Python::V3_8, Python::V3_9);
        let expected = fits.then(|| Version::new(3, other.minor(), 1));
        assert_eq!(found, expected, "{python:?} that says {other:?}");
    }
}

#[test]
fn what_can_not_be_read_is_not_identified() {
    let mut process = Heap::new(Python::V3_8).finish();
    let name = b"hexversion";
    replace(&mut process, name, b"hexvarsion");
    assert_eq!(identified(&process), None);
    let nowhere = RemoteAddress::new(0x1000);
    assert!(Layout::identify(&process.image, nowhere).is_none());
}

/// Replaces bytes that stand somewhere in memory.
fn replace(process: &mut Process, from: &[u8], to: &[u8]) {
    let mut at = Vec::new();
    for region in process.image.regions() {
        let length = region.end - region.start;
        let start = RemoteAddress::new(region.start);
        let mut bytes = vec![0; length as usize];
        process.image.read_exact(start, &mut bytes).unwrap();
        let places = bytes.windows(from.len()).enumerate();
        at.extend(
            places
                .filter(|&(_, window)| window == from)
                .map(|(place, _)| start.offset(place as u64)),
        );
    }
    assert!(!at.is_empty());
    for place in at {
        process.image.put(place, to);
    }
}
