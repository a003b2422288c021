//! `cargo xtask test`: everything that must hold before a change is good.

use crate::support::{Support, is_continuous_integration};
use crate::{cargo, fuzz, layouts, pythons, tidy};
use anyhow::{Context, Result, ensure};
use exuvia_testkit::SUPPORT_VARIABLE;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// How much to test.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs each fuzz target for 60 seconds as well.
    #[arg(long)]
    long: bool,
}

/// Formatting, lints, the workspace's own rules, the layout tables, documentation, and all tests, in every
/// interpreter that can be had; the test runner's summary is what it prints last.
pub(crate) fn run(args: &Args) -> Result<()> {
    let missing = pythons::gather()?;
    cargo::run(["fmt", "--all", "--check"])?;
    cargo::run([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ])?;
    eprintln!("\n== tidy");
    tidy::run()?;
    eprintln!("\n== layouts");
    layouts::check()?;
    fuzz::check()?;
    let mut doc = cargo::command(["doc", "--workspace", "--no-deps"]);
    cargo::finish(doc.env("RUSTDOCFLAGS", "--deny warnings"))?;

    if args.long {
        fuzz::run(&fuzz::Args::default())?;
    }
    let support = Support::new()?;
    let (summary, passed) = tests(&support)?;
    support.conclude(&missing, passed)?;
    eprint!("{summary}");
    ensure!(passed, "tests failed");
    Ok(())
}

/// What the test runner printed last, and whether all tests passed.
fn tests(support: &Support) -> Result<(String, bool)> {
    let has_nextest = cargo::has("nextest");
    let mut command = if has_nextest {
        // nextest leaves documentation tests out.
        cargo::run(["test", "--workspace", "--doc", "--quiet"])?;
        let config = "xtask/nextest.toml";
        cargo::command(["nextest", "run", "--workspace", "--config-file", config])
    } else {
        cargo::command(["test", "--workspace"])
    };
    eprintln!("\n== tests");
    command.env(SUPPORT_VARIABLE, support.folder());
    if !is_continuous_integration() {
        return Ok((String::new(), command.status()?.success()));
    }
    // Where only a log is left, the table must not come after the summary.
    let mut running = command.stderr(Stdio::piped()).spawn()?;
    let lines = BufReader::new(running.stderr.take().context("no pipe for stderr")?).lines();
    let mut summary = String::new();
    for line in lines {
        let line = line?;
        eprintln!("{line}");
        if !summary.is_empty() || line.trim_start().starts_with("Summary [") {
            summary.push_str(&line);
            summary.push('\n');
        }
    }
    Ok((summary, running.wait()?.success()))
}
