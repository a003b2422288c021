//! A tool that has a filter of system calls itself, as in a container, can't suspend one.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use std::process::Command;

use common::Target;
use common::free::Subject;
use exuvia_tracee::CloneError;

const WITHIN: &str = "EXUVIA_TEST_WITHIN_A_FILTER";

/// Installs a filter in BPF that kills for some calls: load the number, compare, kill or allow.
const INSTALL: &str = "
import ctypes, struct
def install(*deadly):
    code = [(0x20, 0, 0, 0)]
    for number in deadly: code += [(0x15, 0, 1, number), (0x06, 0, 0, 0x80000000)]
    code.append((0x06, 0, 0, 0x7fff0000))
    program = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *i) for i in code))
    header = struct.pack('HxxxxxxP', len(code), ctypes.addressof(program))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.c_char_p(header)) == 0
";

/// Runs a test of this file again, under a filter that allows everything.
fn run_within_a_filter(test: &str) {
    let script =
        format!("{INSTALL}\nimport os, sys\ninstall()\nos.execv(sys.argv[1], sys.argv[1:])");
    let status = Command::new("python3")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(WITHIN, "1")
        .status();
    assert!(status.unwrap().success(), "{test} within a filter");
}

fn is_within_a_filter() -> bool {
    std::env::var_os(WITHIN).is_some()
}

#[test]
fn the_same_filter_is_no_obstacle() {
    if !is_within_a_filter() {
        return run_within_a_filter("the_same_filter_is_no_obstacle");
    }
    let mut subject = Subject::start("");
    subject.target.clone_process().discard().unwrap();
    let mut free = subject.free_clone();
    assert_eq!(free.eval("6 * 7"), "42");
    assert_eq!(free.eval("os.unlink('/')"), "EPERM");
    free.clone.discard().unwrap();
    subject.target.assert_untouched();
}

#[test]
fn a_filter_of_the_target_s_own_is_not_tried() {
    if !is_within_a_filter() {
        return run_within_a_filter("a_filter_of_the_target_s_own_is_not_tried");
    }
    let deadly = format!("install({}, {})", libc::SYS_clone, libc::SYS_wait4);
    let mut target = Target::start(&format!("{INSTALL}\n{deadly}"));
    let (frozen, error) = target.freeze().fork_and_release().unwrap_err();
    assert!(matches!(error, CloneError::Filtered), "{error}");
    // It can be read as it is.
    assert_eq!(target.process().state(), 't');
    frozen.release();
    target.assert_untouched();
}
