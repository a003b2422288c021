//! `report`: one file that needs nothing else, whatever the examined process has in its names.

use crate::sample::Sample;
use crate::{exuvia, run};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn report(snapshot: &Path, output: &Path) -> crate::Run {
    let arguments: [OsString; 4] = ["report".into(), snapshot.into(), "-o".into(), output.into()];
    run(&mut exuvia(arguments))
}

fn page(snapshot: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("report.html");
    let run = report(snapshot, &output);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(run.stderr, format!("written: {}\n", output.display()));
    fs::read_to_string(output).unwrap()
}

#[test]
fn it_shows_what_the_commands_show() {
    let page = page(&Sample::new().path());
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    for part in [
        "Heap of process 4242",
        "<dd>66</dd>",
        "shop.Session",
        "&lt;module object at 0x7f0000001200&gt;",
        "['SESSIONS'] dict (no owner)",
        "128 bytes in 2 objects",
    ] {
        assert!(page.contains(part), "no {part:?} in {page}");
    }
}

#[test]
fn it_loads_nothing_and_runs_nothing() {
    let page = page(&Sample::new().path());
    for part in [
        "<script", "<link", "<img", "<iframe", "src=", "url(", "@import", "http://", "https://",
    ] {
        assert!(!page.contains(part), "{part:?} in {page}");
    }
    assert!(page.contains("default-src 'none'"), "{page}");
}

#[test]
fn names_are_text_and_not_markup() {
    let sample = Sample::new();
    let mut snapshot = exuvia_snapshot::open(&sample.path()).unwrap();
    let hostile = "</text><script>alert(1)</script>";
    for kind in &mut snapshot.kinds {
        kind.name = format!("{hostile}{}", kind.name);
    }
    snapshot.metadata.process.command = vec![hostile.to_owned()];
    snapshot.metadata.process.python = hostile.to_owned();
    let path = sample.parent().join("hostile.exuvia");
    exuvia_snapshot::write(&snapshot, &path, &|| false, &|_| {}).unwrap();
    let page = page(&path);
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("&lt;script&gt;"), "{page}");
}

#[test]
fn it_is_for_its_user_only_and_replaces_an_older_one() {
    let sample = Sample::new();
    let output = sample.parent().join("report.html");
    fs::write(&output, "older").unwrap();
    assert_eq!(report(&sample.path(), &output).code, Some(0));
    let mode = fs::metadata(&output).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(fs::read_to_string(&output).unwrap().ends_with("</html>"));
}

/// As `/dev/stdout` is one: what it leads to is written, and it stays.
#[test]
fn a_link_is_followed() {
    let sample = Sample::new();
    let [output, link] = ["report.html", "link"].map(|name| sample.parent().join(name));
    std::os::unix::fs::symlink(&output, &link).unwrap();
    assert_eq!(report(&sample.path(), &link).code, Some(0));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&output).unwrap().ends_with("</html>"));
}

#[test]
fn where_nothing_can_be_written_it_says_so() {
    let sample = Sample::new();
    for output in ["nowhere/report.html", ""] {
        let output = sample.parent().join(output);
        let run = report(&sample.path(), &output);
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.starts_with("error: cannot write "), "{run:?}");
        assert!(run.stderr.contains("\nhint: -o names a file"), "{run:?}");
    }
}
