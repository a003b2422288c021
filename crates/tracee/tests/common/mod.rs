//! Targets for the tests: Python programs that obey, and that end with their test.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod another_user;
pub mod free;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use exuvia_tracee::{Frozen, Pid, Process, ProcessClone};

pub const DEADLINE: Duration = Duration::from_secs(5);

/// A Python process that evaluates what it is sent, a line at a time.
pub struct Target {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Target {
    /// Starts it, and runs `setup` in it.
    pub fn start(setup: &str) -> Self {
        Self::start_and_then(setup, "")
    }

    /// Starts it, runs `setup` in it, and `afterwards` when its input has ended.
    pub fn start_and_then(setup: &str, afterwards: &str) -> Self {
        let script = format!(
            "import ctypes, os, select, signal, sys, threading, time\n\
             libc = ctypes.CDLL(None, use_errno=True)\n{setup}\n\
             print('ready', flush=True)\n\
             for line in sys.stdin: print(eval(line), flush=True)\n{afterwards}\n"
        );
        let mut child = Command::new("python3")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut target = Self {
            child,
            input,
            output,
        };
        assert_eq!(target.answer(), "ready");
        target
    }

    pub fn pid(&self) -> Pid {
        Pid(self.child.id().cast_signed())
    }

    pub fn process(&self) -> Process {
        Process::open(self.pid()).unwrap()
    }

    pub fn freeze(&self) -> Frozen {
        Frozen::freeze(&self.process(), DEADLINE).unwrap()
    }

    /// Freezes, clones and releases.
    pub fn clone_process(&self) -> ProcessClone {
        let (clone, _) = self.freeze().fork_and_release().unwrap();
        clone
    }

    /// Sends an expression, without waiting for its value.
    pub fn ask(&mut self, expression: &str) {
        writeln!(self.input, "{expression}").unwrap();
    }

    /// The next line of its output.
    pub fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The value of an expression.
    pub fn eval(&mut self, expression: &str) -> String {
        self.ask(expression);
        self.answer()
    }

    /// Kills it, without asking for the outcome.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) {
        self.child.wait().unwrap();
    }

    /// Waits until its first thread is in a system call, as `/proc/PID/syscall` shows it.
    pub fn wait_for_system_call(&self, numbers: &[i64]) {
        self.wait_for_system_call_of(self.pid(), numbers);
    }

    /// The same of any of its threads.
    pub fn wait_for_system_call_of(&self, thread: Pid, numbers: &[i64]) {
        let file = format!("/proc/{}/task/{thread}/syscall", self.pid());
        wait_until("a system call", || {
            let text = std::fs::read_to_string(&file).unwrap();
            let number = text.split(' ').next().and_then(|word| word.parse().ok());
            number.is_some_and(|number| numbers.contains(&number))
        });
    }

    /// Nothing of us is left: it is not traced, it has no children, and it answers.
    pub fn assert_untouched(&mut self) {
        assert_eq!(self.process().tracer_pid(), None);
        assert_eq!(children(self.pid()), Vec::<(i32, char)>::new());
        assert_eq!(self.eval("6 * 7"), "42");
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The children of a process, zombies too, with their states.
pub fn children(parent: Pid) -> Vec<(i32, char)> {
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let state = fields.next()?.chars().next()?;
        (fields.next()?.parse() == Ok(parent.0)).then_some((pid, state))
    })
    .collect()
}

/// Waits for what only `/proc` tells.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::yield_now();
    }
}

/// Sends a signal by its name.
pub fn signal(pid: Pid, name: &str) {
    let kill = std::process::Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .status();
    assert!(kill.unwrap().success());
}
