//! Clones that outlive the tool that made them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use common::free::{BOUNDS, Free, Subject, free_clone};
use common::{another_user, children, signal, wait_until};
use exuvia_tracee::{CloneStatus, Confined, KeptError, Pid, Process, ProcessClone, kept_clones};

const TARGET: &str = "EXUVIA_TEST_KEPT_TARGET";
const CHANNEL: &str = "EXUVIA_TEST_KEPT_CHANNEL";
const TIME: &str = "EXUVIA_TEST_KEPT_TIME";
const NO_CLONE: &str = "EXUVIA_TEST_KEPT_NO_CLONE";

/// Not a test of its own: the tool that makes a clone, changes something in it, and keeps it.
#[test]
fn tool() {
    let Ok(pid) = std::env::var(TARGET) else {
        return;
    };
    let at = std::env::var(CHANNEL).unwrap().parse().unwrap();
    let time = std::env::var(TIME).unwrap().parse().unwrap();
    let mut free = free_clone(Pid(pid.parse().unwrap()), at, &BOUNDS);
    assert_eq!(free.eval("data.append(2)"), "None");
    free.clone.keep(Duration::from_millis(time)).unwrap();
    println!("\nkept {}", free.clone.pid());
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

struct Tool {
    child: Child,
    _output: BufReader<ChildStdout>,
    clone: Pid,
}

impl Tool {
    /// Has made a clone that is kept for so many milliseconds.
    fn start(subject: &Subject, time: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tool", "--nocapture"])
            .env(TARGET, subject.target.pid().to_string())
            .env(CHANNEL, subject.channel_at.to_string())
            .env(TIME, time.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let clone = loop {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the tool failed");
            if let Some(pid) = line.strip_prefix("kept ") {
                break Pid(pid.trim().parse().unwrap());
            }
        };
        Self {
            child,
            _output: output,
            clone,
        }
    }

    /// Lets it end in good order.
    fn end(mut self) -> Pid {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
        self.clone
    }

    fn kill(mut self) -> Pid {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.clone
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LONG: u64 = 600_000;

fn start() -> Subject {
    Subject::start("data = [1]")
}

/// The guardian may not have noticed yet that the tool before is gone.
fn find(pid: Pid) -> Free {
    let mut found = None;
    wait_until("the guardian", || {
        found = ProcessClone::find_kept(pid).ok();
        found.is_some()
    });
    let clone = found.unwrap();
    let channel = clone.channel().unwrap().ours;
    Free {
        clone,
        confined: Confined::default(),
        answers: BufReader::new(channel.try_clone().unwrap()),
        channel,
    }
}

/// The guardian has ended, and nothing is left of the clone.
fn assert_gone(subject: &mut Subject, clone: Pid) {
    wait_until("the end of the clone", || Process::open(clone).is_err());
    let pid = subject.target.pid();
    wait_until("its reaping", || children(pid).is_empty());
    wait_until("the end of the tracing", || {
        subject.target.process().tracer_pid().is_none()
    });
    let error = ProcessClone::find_kept(clone).unwrap_err();
    assert!(matches!(error, KeptError::NoneKept(_)), "{error}");
    assert!(!kept_clones().contains(&clone));
    subject.target.assert_untouched();
}

#[test]
fn another_tool_sees_the_same_moment() {
    let mut subject = start();
    let clone = Tool::start(&subject, LONG).end();
    assert_eq!(subject.target.eval("data.append(7)"), "None");
    assert!(kept_clones().contains(&clone));
    let mut first = find(clone);
    assert_eq!(first.eval("data"), "[1, 2]");
    assert_eq!(first.eval("data.append(3)"), "None");
    let error = ProcessClone::find_kept(clone).unwrap_err();
    assert!(matches!(error, KeptError::InUse(_)), "{error}");
    drop(first);
    let mut second = find(clone);
    assert_eq!(second.eval("data"), "[1, 2, 3]");
    assert_eq!(second.clone.status().unwrap(), CloneStatus::Running);
    second.clone.discard().unwrap();
    assert_gone(&mut subject, clone);
}

#[test]
fn a_tool_that_is_killed_leaves_it_as_well() {
    let mut subject = start();
    let clone = Tool::start(&subject, LONG).kill();
    let mut again = find(clone);
    assert_eq!(again.eval("data"), "[1, 2]");
    // Even when it stands still just then.
    again.clone.hold().unwrap();
    drop(again);
    assert_eq!(find(clone).eval("data"), "[1, 2]");
    signal(clone, "TERM");
    assert_gone(&mut subject, clone);
}

#[test]
fn its_time_is_over() {
    let mut subject = start();
    let clone = Tool::start(&subject, 300).end();
    assert_gone(&mut subject, clone);
}

#[test]
fn somebody_kills_it() {
    let mut subject = start();
    let clone = Tool::start(&subject, LONG).end();
    signal(clone, "KILL");
    assert_gone(&mut subject, clone);
}

#[test]
fn its_process_ends() {
    let mut subject = start();
    let clone = Tool::start(&subject, LONG).end();
    subject.target.kill();
    subject.target.wait();
    wait_until("the end of the clone", || Process::open(clone).is_err());
    wait_until("the end of its guardian", || {
        !kept_clones().contains(&clone) && ProcessClone::find_kept(clone).is_err()
    });
}

#[test]
fn what_is_no_kept_clone() {
    let subject = start();
    let error = ProcessClone::find_kept(subject.target.pid()).unwrap_err();
    assert!(matches!(error, KeptError::NoneKept(_)), "{error}");
}

/// Where the guardian of a kept clone would listen.
fn place_of_guardian(pid: Pid) -> SocketAddr {
    SocketAddr::from_abstract_name(format!("exuvia-clone-{pid}")).unwrap()
}

/// Not a test of its own: the tool of another user.
#[test]
fn other_user() {
    let Ok(pid) = std::env::var(NO_CLONE) else {
        return;
    };
    let error = ProcessClone::find_kept(Pid(pid.parse().unwrap())).unwrap_err();
    println!("\nfound: {error}");
}

#[test]
fn a_place_that_another_user_has_taken_is_no_kept_clone() {
    let mut subject = start();
    if subject.target.eval("os.getuid()") != "0" {
        println!("only root can become another user");
        return;
    }
    let pid = subject.target.pid();
    let _listener = UnixListener::bind_addr(&place_of_guardian(pid)).unwrap();
    // Somebody else traces it, but does not listen.
    let frozen = subject.target.freeze();
    let text = another_user::run("other_user", (NO_CLONE, &pid.to_string()));
    frozen.release();
    let expected = format!("found: process {pid} is not a clone that is kept");
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn a_place_where_nobody_is_let_in_is_not_waited_for() {
    let subject = start();
    let pid = subject.target.pid();
    let place = place_of_guardian(pid);
    let listener = UnixListener::bind_addr(&place).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    // Somebody else traces it, and the only place in the queue is taken.
    let frozen = subject.target.freeze();
    let waiting = UnixStream::connect_addr(&place).unwrap();
    let (found, finding) = channel();
    let finder = std::thread::spawn(move || found.send(ProcessClone::find_kept(pid)));
    let found = finding.recv_timeout(Duration::from_secs(20));
    // Whoever waits there is turned away now.
    drop((waiting, listener));
    finder.join().unwrap().unwrap();
    frozen.release();
    match found {
        Ok(found) => {
            let error = found.unwrap_err();
            assert!(matches!(error, KeptError::NoneKept(_)), "{error}");
        }
        Err(RecvTimeoutError::Timeout) => panic!("it waits for who listens there"),
        Err(RecvTimeoutError::Disconnected) => panic!("the finder failed"),
    }
}
