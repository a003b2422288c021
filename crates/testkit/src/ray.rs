//! A worker of Ray: a service with extensions that nobody here wrote.

use crate::descendants::{children, find_below, number_inside};
use crate::{Interpreter, Launch, Target, send_signal};
use anyhow::{Context, Result};
use rustix::process::Signal;
use serde_json::Value;
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
        let first = *children(target.pid())
            .first()
            .context("unshare has no child")?;
        let inside = target.greeting()["worker"].as_u64();
        let inside = inside.context("no number of a worker")?;
        let is_worker = |pid| number_inside(pid).is_ok_and(|number| u64::from(number) == inside);
        let pid = find_below(first, is_worker).context("the worker is gone")?;
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
        let is_there = children(self.target.pid()).contains(&self.first);
        if is_there && send_signal(self.first, Signal::KILL).is_ok() {
            // It is gone once all others of its namespace are, and `unshare` waits for that.
            let _ = self.target.wait();
        }
    }
}
