//! `cargo xtask test`: everything that must hold before a change is good.

use crate::{cargo, fuzz, tidy};
use anyhow::Result;

/// How much to test.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs each fuzz target for 60 seconds as well.
    #[arg(long)]
    long: bool,
}

/// Formatting, lints, the workspace's own rules, documentation, and all tests; the test
/// runner's summary is what it prints last.
pub(crate) fn run(args: &Args) -> Result<()> {
    name_interpreters()?;
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
    let mut doc = cargo::command(["doc", "--workspace", "--no-deps"]);
    cargo::finish(doc.env("RUSTDOCFLAGS", "--deny warnings"))?;
    if args.long {
        fuzz::run(&fuzz::Args::default())?;
    }
    tests()
}

/// Tests run in each of these.
fn name_interpreters() -> Result<()> {
    eprintln!("== interpreters");
    for interpreter in exuvia_testkit::supported()? {
        eprintln!("supported: {interpreter}");
    }
    for interpreter in exuvia_testkit::unsupported()? {
        eprintln!("refused:   {interpreter}");
    }
    Ok(())
}

fn tests() -> Result<()> {
    if cargo::has("nextest") {
        // nextest leaves documentation tests out.
        cargo::run(["test", "--workspace", "--doc", "--quiet"])?;
        let config = "xtask/nextest.toml";
        cargo::run(["nextest", "run", "--workspace", "--config-file", config])
    } else {
        cargo::run(["test", "--workspace"])
    }
}
