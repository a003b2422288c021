//! Streams, colours, shells.

use crate::sample::Sample;
use crate::{answer, exuvia, run};
use std::io::Read;
use std::process::Stdio;

#[test]
fn a_reader_that_leaves_early_is_not_an_error() {
    let sample = Sample::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = exuvia(["heap"])
        .arg(sample.path())
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(stderr, "");
}

#[test]
fn a_full_disk_is_an_error() {
    let sample = Sample::new();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let status = exuvia(["heap"])
        .arg(sample.path())
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let sample = Sample::new();
    let mut heap = exuvia(["heap"]);
    heap.arg(sample.path());
    assert!(!run(&mut heap).stdout.contains('\x1b'));
    assert!(run(heap.env("CLICOLOR_FORCE", "1")).stdout.contains('\x1b'));
    heap.env_remove("CLICOLOR_FORCE").env("NO_COLOR", "1");
    assert!(!run(&mut heap).stdout.contains('\x1b'));
}

#[test]
fn completions_and_the_man_page_name_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = answer(["completions", shell]);
        assert!(
            script.contains("paths") && script.contains("no-weak"),
            "{shell}"
        );
    }
    let page = answer(["man"]);
    for text in [
        ".TH exuvia 1",
        "EXUVIA PATHS",
        "\\-\\-no\\-weak",
        "EXUVIA DUMP",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn help_is_short_and_has_examples() {
    let help = answer(["--help"]);
    for command in ["ps", "heap", "paths", "show", "dump", "demo"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        let help = answer([command, "-h"]);
        assert!(help.lines().count() < 60, "{help}");
    }
    assert!(help.contains("exuvia paths 4242 --kind myapp.Session"));
    let version = answer(["--version"]);
    assert_eq!(version, concat!("exuvia ", env!("CARGO_PKG_VERSION"), "\n"));
}
