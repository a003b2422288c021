//! Snapshots against what the interpreters say of themselves: a test for each interpreter.

use anyhow::{Result, ensure};
use exuvia_testkit::{Exuvia, Interpreter, SupportRecord, oracle, supported};
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

/// With fewer, a comparison would not mean much.
const OBJECTS: usize = 200_000;
const TYPES: usize = 250;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let trials = supported()?.into_iter().map(|interpreter| {
        Trial::test(interpreter.to_string(), move || {
            agrees_with_its_snapshot(&interpreter)
                .map_err(|error| Failed::from(format!("{error:#}")))
        })
    });
    Ok(libtest_mimic::run(&arguments, trials.collect()).exit_code())
}

fn agrees_with_its_snapshot(interpreter: &Interpreter) -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let comparison = oracle::run(interpreter, &exuvia)?;
    SupportRecord::new(interpreter, &comparison)?.hand_over(interpreter)?;
    println!("{comparison}");
    let (objects, types) = (comparison.objects, comparison.types);
    ensure!(objects >= OBJECTS, "only {objects} objects");
    ensure!(types >= TYPES, "only {types} types");
    let failures = comparison.failures.len();
    ensure!(
        failures == 0,
        "{failures} kinds of differences without a reason"
    );
    Ok(())
}
