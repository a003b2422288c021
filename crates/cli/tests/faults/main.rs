//! Bad input and bad moments: a clear message with a hint, a non-zero exit, and nothing left
//! behind, neither in the target nor on disk.

mod moments;
mod namespaces;
mod other_pythons;
mod outputs;
mod processes;
mod signals;
mod snapshots;

use anyhow::{Result, ensure};
use exuvia_testkit::{Exuvia, Fingerprint, Interpreter, Launch, Outcome, Target, is_root, newest};
use std::fs;
use std::path::{Path, PathBuf};

/// A Python process, the tool, and an empty folder for what the tool writes.
struct Scene {
    exuvia: Exuvia,
    target: Target,
    folder: tempfile::TempDir,
    before: Fingerprint,
}

impl Scene {
    /// A process with few objects.
    fn new() -> Result<Self> {
        Self::with_nodes(0)
    }

    /// A process with a linked list of this length, three objects for each node.
    fn with_nodes(nodes: u32) -> Result<Self> {
        let launch = Launch::new(&python()?, "plain")?.arg(nodes.to_string());
        Self::of(launch.start()?)
    }

    fn of(target: Target) -> Result<Self> {
        Ok(Self {
            exuvia: exuvia(),
            before: Fingerprint::of(target.pid())?,
            target,
            folder: tempfile::tempdir()?,
        })
    }

    fn destination(&self) -> PathBuf {
        self.folder.path().join("dump.exuvia")
    }

    /// Runs `exuvia dump` to its end, whatever that is.
    fn dump(&self) -> Result<Outcome> {
        dump(&self.exuvia, self.target.pid(), &self.destination())
    }

    /// Asserts that the target is as it was and still answers, and that nothing was written.
    fn assert_nothing_left(&mut self) -> Result<()> {
        self.assert_target_untouched()?;
        self.assert_nothing_written()
    }

    fn assert_target_untouched(&mut self) -> Result<()> {
        self.target.assert_alive()?;
        self.before.assert_unchanged(self.target.pid())
    }

    fn assert_nothing_written(&self) -> Result<()> {
        let left: Vec<_> = fs::read_dir(self.folder.path())?.flatten().collect();
        ensure!(left.is_empty(), "left behind: {left:?}");
        Ok(())
    }
}

fn exuvia() -> Exuvia {
    Exuvia::at(env!("CARGO_BIN_EXE_exuvia"))
}

fn dump(exuvia: &Exuvia, pid: u32, destination: &Path) -> Result<Outcome> {
    let pid = pid.to_string();
    exuvia.run([
        "dump".as_ref(),
        pid.as_ref(),
        "-o".as_ref(),
        destination.as_os_str(),
    ])
}

/// The newest supported interpreter: what is tested here does not differ between versions.
fn python() -> Result<Interpreter> {
    newest()
}
