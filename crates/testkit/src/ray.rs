//! A worker of Ray: a service with extensions that nobody here wrote.

use crate::{Interpreter, Launch, Target, send_signal};
use anyhow::{Context, Result};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Ray on this machine, with one actor that works with pandas.
///
/// Ray is about ten processes, some of which start others, and listens on every address. So
/// it runs in namespaces of its own: the network has nothing but a loopback, and with the
/// namespace's first process the kernel ends all others.
#[derive(Debug)]
pub struct RayWorker {
    /// The program that started Ray, as far as a test talks with it.
    target: Target,
    /// The first process of the namespace.
    first: u32,
    /// The actor's process.
    pid: u32,
    /// What Ray keeps in files.
    _folder: TempDir,
}

impl RayWorker {
    /// Starts Ray, and waits until its actor has done some work.
    ///
    /// Fails where the system does not let the user make namespaces.
    pub fn start(interpreter: &Interpreter, packages: &Path) -> Result<Self> {
        // The names of Ray's sockets must be short.
        let folder = tempfile::Builder::new().prefix("ray-").tempdir_in("/tmp")?;
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/ray_worker.py");
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--net", "--pid", "--fork"])
            .args(["--mount-proc", "--kill-child"])
            .arg(&interpreter.executable)
            .args(["-E", "-s", "-S", "-u"])
            .arg(program)
            .arg(packages)
            .arg(folder.path());
        let target = Launch::of(command)?.start().context("starting Ray")?;
        let first = *children(target.pid())?
            .first()
            .context("unshare has no child")?;
        let inside = target.greeting()["worker"].as_u64();
        let pid = below(first, inside.context("no number of a worker")?)?;
        Ok(Self {
            target,
            first,
            pid,
            _folder: folder,
        })
    }

    /// The number of the actor's process, here.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The versions of the libraries in it.
    pub fn versions(&self) -> &Value {
        &self.target.greeting()["versions"]
    }

    /// Has the actor report of itself, as the program `oracle` does; the file with the report.
    /// Until [`release`](Self::release) nothing runs Python there.
    pub fn report(&mut self) -> Result<PathBuf> {
        let report = self.target.folder().join("report");
        self.target.ask(&format!("report {}", report.display()))?;
        Ok(report)
    }

    /// Lets the actor go on, and waits for its answer: how many orders it has taken.
    pub fn release(&mut self) -> Result<Value> {
        self.target.ask("release")
    }
}

impl Drop for RayWorker {
    fn drop(&mut self) {
        // It may have ended by itself, and its number may be another's by now.
        let is_there = children(self.target.pid()).is_ok_and(|all| all.contains(&self.first));
        if is_there && send_signal(self.first, Signal::KILL).is_ok() {
            // It is gone once all others of its namespace are, and `unshare` waits for that.
            let _ = self.target.wait();
        }
    }
}

/// The descendant of a process that has a number in its own namespace.
fn below(ancestor: u32, inside: u64) -> Result<u32> {
    let mut waiting = vec![ancestor];
    while let Some(pid) = waiting.pop() {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        let own = numbers.and_then(|numbers| numbers.split_ascii_whitespace().next_back());
        if own.context("no NSpid")?.parse() == Ok(inside) {
            return Ok(pid);
        }
        waiting.extend(children(pid)?);
    }
    anyhow::bail!("no process {inside} in the namespace")
}

fn children(pid: u32) -> Result<Vec<u32>> {
    let mut children = Vec::new();
    // A process is the child of the thread that made it.
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(thread?.path().join("children"))?;
        for child in text.split_ascii_whitespace() {
            children.push(child.parse()?);
        }
    }
    Ok(children)
}
