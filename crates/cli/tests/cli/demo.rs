//! `exuvia demo`, from the start of its service to the end of it.

use crate::{exuvia, run};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Stdio;

/// Where the service named in the demo's first line is, as long as it is.
fn service(text: &str) -> PathBuf {
    let (_, rest) = text.split_once("as process ").unwrap();
    let (pid, _) = rest.split_once('.').unwrap();
    PathBuf::from(format!("/proc/{pid}"))
}

#[test]
fn the_demo_finds_the_leak_and_leaves_nothing_running() {
    let run = run(&mut exuvia(["demo"]));
    assert_eq!(run.code, Some(0), "{run:?}");
    let text = &run.stdout;
    for part in [
        "Kind (class / dict of class)\n",
        " shop.Session\n",
        "\nNot in the table: ",
        "\n0: the variable SESSIONS of module shop ",
        "it is mentioned in visit (",
        "hp.Root.i0_modules['shop'].__dict__['SESSIONS'][*]",
        "Summary of difference operation (A-B).\n",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!service(text).exists());
}

#[test]
fn a_demo_that_is_ended_ends_its_service() {
    let mut demo = exuvia(["demo"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(demo.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    assert!(service(&first).exists());

    kill_process(Pid::from_child(&demo), Signal::TERM).unwrap();
    assert_eq!(demo.wait().unwrap().code(), Some(143));
    assert!(!service(&first).exists());
    let mut stderr = String::new();
    demo.stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert!(stderr.ends_with("interrupted\n"), "{stderr}");
}
