use anyhow::{Context, Result, ensure};
use exuvia_testkit::Exuvia;
use serde::Deserialize;
use std::path::Path;
use std::time::Instant;

/// What one `exuvia exec --json` took and said.
#[derive(Debug)]
pub(super) struct Executed {
    /// What the code printed.
    pub(super) output: String,
    /// For how long the process stood still, in seconds, as the tool says.
    pub(super) stopped: f64,
    /// From the start of the program to its end, in seconds.
    pub(super) wall: f64,
    /// What the tool said beside the document.
    pub(super) said: String,
}

/// As far as it matters here, what `--json` prints.
#[derive(Debug, Deserialize)]
struct Document {
    stdout: String,
    stopped: f64,
}

/// Runs code in a process, or in a copy of it with the option `--clone`.
pub(super) fn run(exuvia: &Path, pid: u32, code: &str, options: &[&str]) -> Result<Executed> {
    let pid = pid.to_string();
    let words = [&["exec", &pid, "-c", code, "--json"], options].concat();
    let begun = Instant::now();
    let outcome = Exuvia::at(exuvia).run(&words)?;
    let wall = begun.elapsed().as_secs_f64();
    ensure!(
        outcome.status.success(),
        "{words:?}: {}\n{}{}",
        outcome.status,
        outcome.stdout,
        outcome.stderr
    );
    let document: Document =
        serde_json::from_str(&outcome.stdout).with_context(|| outcome.stdout.clone())?;
    Ok(Executed {
        output: document.stdout,
        stopped: document.stopped,
        wall,
        said: outcome.stderr,
    })
}
