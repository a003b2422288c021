//! Another user is told why, and what to do about it.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::{DEADLINE, Target, another_user};
use exuvia_tracee::{Frozen, Pid, Process, list_processes};

const TARGET: &str = "EXUVIA_TEST_TARGET";

/// Not a test of its own: what the other user does, in a process started below.
#[test]
fn other_user() {
    let Ok(target) = std::env::var(TARGET) else {
        return;
    };
    let process = Process::open(Pid(target.parse().unwrap())).unwrap();
    let error = Frozen::freeze(&process, DEADLINE).unwrap_err();
    println!("error: {error}\nhint: {}", error.hint().unwrap());
    let list = list_processes();
    let listed = list
        .iter()
        .find(|listed| listed.pid == process.pid())
        .unwrap();
    println!("listed: {}", listed.attachable.clone().unwrap_err());
}

#[test]
fn another_user_is_refused_by_name() {
    let mut target = Target::start("");
    if target.eval("os.getuid()") != "0" {
        println!("only root can become another user");
        return;
    }
    let pid = target.pid().to_string();
    let text = another_user::run("other_user", (TARGET, &pid));
    let reason = "it runs as user 0, this tool as user 54321 without CAP_SYS_PTRACE";
    assert!(
        text.contains(&format!("not permitted to trace process {pid}: {reason}")),
        "{text}"
    );
    assert!(
        text.contains("hint: run it as the same user, as root"),
        "{text}"
    );
    assert!(text.contains(&format!("listed: {reason}")), "{text}");
    target.assert_untouched();
}
