//! Another user is told why, and what to do about it.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use common::{DEADLINE, Target};
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
    // The folder of the build may be closed to others.
    let directory = tempfile::tempdir().unwrap();
    let everybody = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory.path(), everybody).unwrap();
    let program = directory.path().join("tool");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new(program)
        .args(["--exact", "other_user", "--nocapture"])
        .env(TARGET, target.pid().to_string())
        .uid(54321)
        .gid(54321)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let reason = "it runs as user 0, this tool as user 54321 without CAP_SYS_PTRACE";
    assert!(
        text.contains(&format!(
            "not permitted to trace process {}: {reason}",
            target.pid()
        )),
        "{text}"
    );
    assert!(
        text.contains("hint: run it as the same user, as root"),
        "{text}"
    );
    assert!(text.contains(&format!("listed: {reason}")), "{text}");
    target.assert_untouched();
}
