//! `cargo xtask oracle`: the walker against the interpreters themselves.

use crate::cargo;
use anyhow::{Result, ensure};
use exuvia_testkit::{Exuvia, Interpreter, Packages, oracle, refcounts, supported};
use std::path::PathBuf;

/// What to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this interpreter; all that are found otherwise.
    #[arg(long)]
    python: Option<PathBuf>,
    /// A built exuvia; the workspace's own otherwise.
    #[arg(long)]
    exuvia: Option<PathBuf>,
    /// Compare reference counts with the references found, of a process at rest.
    #[arg(long)]
    refcounts: bool,
    /// Of a process with extension libraries, such as numpy and lxml; of the interpreters that
    /// have a list of them.
    #[arg(long, conflicts_with = "refcounts")]
    packages: bool,
}

/// Prints the comparison of every interpreter; fails when one of them differs.
pub(crate) fn run(args: &Args) -> Result<()> {
    let program = match &args.exuvia {
        Some(program) => program.clone(),
        None => cargo::build_exuvia("dev")?,
    };
    let exuvia = Exuvia::at(program);
    let interpreters = match &args.python {
        Some(program) => vec![Interpreter::at(program)?],
        None => supported()?,
    };
    let mut failed = 0;
    for interpreter in &interpreters {
        if args.refcounts {
            let result = refcounts::run(interpreter, &exuvia, "oracle")?;
            print!("{result}");
            failed += usize::from(!result.failures.is_empty());
            continue;
        }
        let comparison = if args.packages {
            let Some(folder) = Packages::Extensions.install(interpreter)? else {
                println!("not compared: {interpreter}: no list of packages");
                continue;
            };
            oracle::run_with_packages(interpreter, &folder, &exuvia)?
        } else {
            oracle::run(interpreter, &exuvia)?
        };
        print!("{comparison}");
        failed += usize::from(!comparison.failures.is_empty());
    }
    ensure!(
        failed == 0,
        "{failed} of {} interpreters differ from their snapshots",
        interpreters.len()
    );
    Ok(())
}
