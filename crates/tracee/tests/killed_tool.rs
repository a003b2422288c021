//! A tool that is killed at any moment leaves the target running, untraced and without a zombie.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use common::{DEADLINE, Target, children, wait_until};
use exuvia_tracee::{Frozen, Pid, Process};

const ROLE: &str = "EXUVIA_TEST_ROLE";
const TARGET: &str = "EXUVIA_TEST_TARGET";

/// Not a test of its own: what the killed tool does, in a process started by the others.
#[test]
fn tool() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let pid = Pid(std::env::var(TARGET).unwrap().parse().unwrap());
    let process = Process::open(pid).unwrap();
    if role == "again and again" {
        println!("\nbegun");
        loop {
            let frozen = Frozen::freeze(&process, DEADLINE).unwrap();
            frozen.fork_and_release().unwrap().0.discard().unwrap();
        }
    }
    let mut frozen = Frozen::freeze(&process, DEADLINE).unwrap();
    let clone = (role != "frozen").then(|| frozen.fork().unwrap());
    let _frozen = if role == "released" {
        frozen.release();
        None
    } else {
        Some(frozen)
    };
    println!("\nbegun");
    std::thread::sleep(Duration::from_secs(600));
    drop(clone);
}

/// The tool, in a role; it has begun when this returns.
struct Tool {
    child: Child,
    _output: BufReader<ChildStdout>,
}

impl Tool {
    fn start(role: &str, target: &Target) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tool", "--nocapture"])
            .env(ROLE, role)
            .env(TARGET, target.pid().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while line.trim() != "begun" {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the tool failed");
        }
        Self {
            child,
            _output: output,
        }
    }

    /// Kills it, and waits for the end of its guardian.
    fn kill(&mut self) {
        // Stopped first, so that it starts no other guardian after this one is known.
        let pid = Pid(self.child.id().cast_signed());
        common::signal(pid, "STOP");
        wait_until("its stop", || Process::open(pid).unwrap().state() == 'T');
        let guardians = children(pid);
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        wait_until("the end of the guardian", || {
            guardians
                .iter()
                .all(|(guardian, _)| Process::open(Pid(*guardian)).is_err())
        });
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn killed_while(role: &str) {
    let mut target = Target::start("");
    let mut tool = Tool::start(role, &target);
    tool.kill();
    target.assert_untouched();
}

#[test]
fn killed_while_the_target_is_frozen() {
    killed_while("frozen");
}

#[test]
fn killed_while_the_target_is_frozen_and_cloned() {
    killed_while("cloned");
}

#[test]
fn killed_while_the_clone_is_read() {
    killed_while("released");
}

/// With 100 MB, most of the time passes within the call that makes the clone.
#[test]
fn killed_at_any_moment() {
    let mut target = Target::start("data = b'x' * 100_000_000");
    for round in 0..25 {
        let mut tool = Tool::start("again and again", &target);
        let until = Instant::now() + Duration::from_micros(500 * round);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        tool.kill();
        target.assert_untouched();
    }
}
