//! Snapshots against what the interpreters say of themselves: a test for each interpreter, and one
//! with extension libraries for each version that has a list of them.

use anyhow::{Context, Result, ensure};
use exuvia_testkit::oracle::Comparison;
use exuvia_testkit::{Exuvia, Interpreter, Packages, SupportRecord, oracle, supported};
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

/// With fewer, a comparison would not mean much.
const OBJECTS: usize = 200_000;
const TYPES: usize = 250;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let mut interpreters = supported()?;
    let mut trials: Vec<_> = interpreters
        .iter()
        .map(|one| trial(one.to_string(), one, agrees_with_its_snapshot))
        .collect();
    // How an interpreter is built makes no difference to what extensions do.
    interpreters.dedup_by_key(|one| (one.version.0, one.version.1));
    let with_packages = interpreters
        .iter()
        .filter(|one| Packages::Extensions.is_for(one));
    trials.extend(with_packages.map(|one| {
        let name = format!("with extension libraries: {one}");
        trial(name, one, agrees_with_extension_libraries)
    }));
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

fn trial(name: String, interpreter: &Interpreter, test: fn(&Interpreter) -> Result<()>) -> Trial {
    let interpreter = interpreter.clone();
    Trial::test(name, move || {
        test(&interpreter).map_err(|error| Failed::from(format!("{error:#}")))
    })
}

fn agrees_with_extension_libraries(interpreter: &Interpreter) -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let packages = Packages::Extensions.install(interpreter)?;
    let packages = packages.context("the list of packages is gone")?;
    let comparison = oracle::run_with_packages(interpreter, &packages, &exuvia)?;
    println!("{comparison}");
    ensure_no_failures(&comparison)
}

fn agrees_with_its_snapshot(interpreter: &Interpreter) -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let comparison = oracle::run(interpreter, &exuvia)?;
    SupportRecord::new(interpreter, &comparison)?.hand_over(interpreter)?;
    println!("{comparison}");
    let (objects, types) = (comparison.objects, comparison.types);
    ensure!(objects >= OBJECTS, "only {objects} objects");
    ensure!(types >= TYPES, "only {types} types");
    ensure_no_failures(&comparison)
}

fn ensure_no_failures(comparison: &Comparison) -> Result<()> {
    let failures = comparison.failures.len();
    ensure!(
        failures == 0,
        "{failures} kinds of differences without a reason"
    );
    Ok(())
}
