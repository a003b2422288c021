//! TARGETs that are none, and snapshots that can't be read.

use crate::sample::Sample;
use crate::{exuvia, refusal, run};
use std::fs;

#[test]
fn what_is_neither_a_pid_nor_a_path_is_refused() {
    let text = refusal(["heap", "no-such-thing"]);
    let expected = "\
error: 'no-such-thing' is neither a PID nor a path: nothing of that name exists
hint: `exuvia ps` lists running Pythons; `exuvia dump PID` makes a snapshot
";
    assert_eq!(text, expected);

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let text = refusal(["heap", path]);
    assert!(
        text.starts_with(&format!("error: {path} is not a snapshot")),
        "{text}"
    );
    assert!(text.contains("\nhint: "), "{text}");

    let text = refusal(["paths", "99999999999", "--row", "0"]);
    assert!(
        text.starts_with("error: 99999999999 is too large for a PID\n"),
        "{text}"
    );
}

#[test]
fn a_damaged_or_newer_snapshot_is_refused() {
    let sample = Sample::new();
    let document = sample.path().join("snapshot.json");
    let text = fs::read_to_string(&document).unwrap();
    let heap = || refusal([std::ffi::OsStr::new("heap"), sample.path().as_os_str()]);

    let current = format!("\"version\": {}", exuvia_snapshot::VERSION);
    let newer = text.replacen(&current, "\"version\": 99", 1);
    assert_ne!(newer, text);
    fs::write(&document, newer).unwrap();
    assert!(heap().contains("has format version 99"), "{}", heap());

    fs::write(&document, &text[..text.len() / 2]).unwrap();
    assert!(heap().contains("is damaged"), "{}", heap());

    fs::write(&document, &text).unwrap();
    let table = sample.path().join("objects.parquet");
    let bytes = fs::read(&table).unwrap();
    fs::write(&table, &bytes[..bytes.len() / 2]).unwrap();
    assert!(heap().contains("objects.parquet is damaged"), "{}", heap());

    fs::remove_file(&table).unwrap();
    assert!(heap().contains("objects.parquet"), "{}", heap());
}

#[test]
fn a_dump_refuses_its_destination_before_it_touches_a_process() {
    let sample = Sample::new();
    let pid = std::process::id().to_string();
    let exists = sample.path();
    let text = refusal(["dump", &pid, "-o", exists.to_str().unwrap()]);
    assert!(text.contains("exists already"), "{text}");
    let missing = sample.parent().join("no/such.exuvia");
    let text = refusal(["dump", &pid, "-o", missing.to_str().unwrap()]);
    assert!(
        text.contains("the directory in which the snapshot goes"),
        "{text}"
    );
    assert_eq!(sample.parent().read_dir().unwrap().count(), 1);
}

#[test]
fn a_dump_wants_a_process() {
    let sample = Sample::new();
    let text = refusal(["dump", sample.path().to_str().unwrap()]);
    assert!(text.contains("is a snapshot, not a process"), "{text}");
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in [
        &["heap"][..],
        &["heap", "1", "--by", "colour"],
        &["paths", "1"],
        &["paths", "1", "--at", "here"],
        &["frobnicate"],
    ] {
        let run = run(&mut exuvia(arguments));
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.stderr.starts_with("error: "), "{run:?}");
    }
}
