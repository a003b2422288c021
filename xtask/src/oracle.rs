//! `cargo xtask oracle`: the walker against the interpreters themselves.

use crate::cargo;
use anyhow::{Result, ensure};
use exuvia_testkit::oracle::Comparison;
use exuvia_testkit::{
    Exuvia, FromDebian, Interpreter, Packages, Unpacked, oracle, refcounts, supported,
};
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
            let mut differs = false;
            for program in refcounts::PROGRAMS {
                let result = refcounts::run(interpreter, &exuvia, program)?;
                print!("{program}, {result}");
                differs |= !result.failures.is_empty();
            }
            failed += usize::from(differs);
            continue;
        }
        let comparisons = match args.packages {
            true => with_packages(interpreter, &exuvia)?,
            false => vec![oracle::run(interpreter, &exuvia)?],
        };
        for comparison in comparisons {
            print!("{comparison}");
            failed += usize::from(!comparison.failures.is_empty());
        }
    }
    ensure!(
        failed == 0,
        "{failed} comparisons of {} interpreters differ from their snapshots",
        interpreters.len()
    );
    Ok(())
}

/// A comparison for each list of packages that there is for an interpreter.
fn with_packages(interpreter: &Interpreter, exuvia: &Exuvia) -> Result<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for packages in [Packages::Extensions, Packages::OlderExtensions] {
        match packages.install(interpreter)? {
            Some(folder) => {
                comparisons.push(oracle::run_with_packages(interpreter, &folder, exuvia)?);
            }
            None => println!("not compared: {interpreter}: no list of packages ({packages:?})"),
        }
    }
    if Unpacked::is_for(interpreter) {
        match Unpacked::install(interpreter, "python3-torch")? {
            FromDebian::Unpacked(torch) => {
                comparisons.push(oracle::run_with_unpacked(interpreter, &torch, exuvia)?);
            }
            FromDebian::NotToBeHad(why) => println!("not compared: {interpreter}: {why}"),
        }
    }
    Ok(comparisons)
}
