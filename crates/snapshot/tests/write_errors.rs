//! A snapshot that can't be written leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use common::{names_in, sample, written};
use exuvia_snapshot::*;
use std::cell::Cell;
use std::fs;
use std::path::Path;

fn error(destination: &Path) -> WriteError {
    write(&sample(), destination, &|| false, &|_| ()).unwrap_err()
}

#[test]
fn the_destination_exists() {
    let (parent, snapshot) = written(&sample());
    let empty = parent.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "kept").unwrap();
    for destination in [&snapshot, &empty, &file] {
        let error = error(destination);
        assert!(matches!(error, WriteError::Exists { .. }), "{error}");
        assert!(error.hint().is_some());
    }
    assert_eq!(names_in(parent.path()), ["empty", "file", "heap.exuvia"]);
    assert_eq!(names_in(&empty), [""; 0]);
    assert_eq!(fs::read_to_string(file).unwrap(), "kept");
    assert_eq!(open(&snapshot).unwrap(), sample());
}

#[test]
fn the_parent_is_missing_a_file_or_not_writable() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    // Nobody makes directories there, not even root.
    let sysfs = Path::new("/sys");
    for parent in [&parent.path().join("missing"), &file, sysfs] {
        let error = error(&parent.join("heap.exuvia"));
        assert!(matches!(error, WriteError::Io { .. }), "{error}");
        let message = error.to_string();
        let beginning = format!("can't write {}", parent.display());
        assert!(message.starts_with(&beginning), "{message}");
        assert!(!message.contains(".partial"), "{message}");
        assert!(error.hint().is_some(), "{error:?}");
    }
    assert_eq!(names_in(parent.path()), ["file"]);
}

#[test]
fn a_path_without_a_name() {
    for path in ["/", "..", ""] {
        let error = error(Path::new(path));
        assert!(matches!(error, WriteError::NoName { .. }), "{error}");
    }
}

#[test]
fn cancelled_at_any_time() {
    let parent = tempfile::tempdir().unwrap();
    let destination = parent.path().join("heap.exuvia");
    for limit in 0.. {
        let asked = Cell::new(0);
        let cancelled = || asked.replace(asked.get() + 1) == limit;
        match write(&sample(), &destination, &cancelled, &|_| ()) {
            Ok(_) => {
                assert!(limit > 20, "asked only {limit} times");
                break;
            }
            Err(error) => assert!(matches!(error, WriteError::Cancelled), "{error}"),
        }
        assert_eq!(names_in(parent.path()), [""; 0]);
    }
    assert_eq!(open(&destination).unwrap(), sample());
}

#[test]
fn tables_that_contradict_each_other() {
    let parent = tempfile::tempdir().unwrap();
    let mut snapshot = sample();
    snapshot.kinds.pop();
    let destination = parent.path().join("heap.exuvia");
    let error = write(&snapshot, &destination, &|| false, &|_| ()).unwrap_err();
    assert!(matches!(error, WriteError::Inconsistent(_)), "{error}");
    assert_eq!(names_in(parent.path()), [""; 0]);
}

/// The directory in which [`in_a_process_with_little_room`] writes; set in that process only.
#[cfg(unix)]
const LITTLE_ROOM: &str = "EXUVIA_TEST_LITTLE_ROOM";

/// A full disk, without the right to mount one: this test runs itself again in a process
/// whose files can't grow beyond a limit, and which ignores the signal for that.
#[cfg(unix)]
#[test]
fn no_room_left() {
    let parent = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    // The unit is 512 or 1024 bytes. The sample's tables need two to eight of them each.
    for limit in ["0", "1", "2"] {
        let output = std::process::Command::new("sh")
            .args([
                "-c",
                "trap '' XFSZ; ulimit -f $1; shift; exec \"$@\"",
                "sh",
                limit,
            ])
            .arg(&this)
            .args(["--exact", "in_a_process_with_little_room", "--nocapture"])
            .env(LITTLE_ROOM, parent.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert_eq!(names_in(parent.path()), [""; 0]);
    }
}

#[cfg(unix)]
#[test]
fn in_a_process_with_little_room() {
    let Some(parent) = std::env::var_os(LITTLE_ROOM) else {
        return;
    };
    let error = error(&Path::new(&parent).join("heap.exuvia"));
    assert!(matches!(error, WriteError::Io { .. }), "{error:?}");
    let message = error.to_string();
    assert!(
        message.contains("/heap.exuvia/references.parquet: "),
        "{message}"
    );
    assert!(error.hint().is_some(), "{error:?}");
}
