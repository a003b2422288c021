//! Cores against what the interpreters say of themselves: a test for each interpreter.

use anyhow::{Result, ensure};
use exuvia_testkit::cores::{self, Contents};
use exuvia_testkit::{Exuvia, Interpreter, Trials, hand_over_rules, oracle, supported};
use std::process::ExitCode;

fn main() -> Result<ExitCode> {
    let mut trials = Trials::default();
    for one in supported()? {
        trials.add(one.to_string(), &one, agrees_with_its_core);
    }
    Ok(trials.run())
}

/// The oracle reads a core as it reads a process.
fn agrees_with_its_core(interpreter: &Interpreter) -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let folder = tempfile::tempdir()?;
    let core = folder.path().join("core");
    let comparison = oracle::run_by(interpreter, |target, snapshot| {
        cores::write(target, Contents::Usual, &core)?;
        let snapshot = snapshot.as_os_str();
        let arguments = ["dump".as_ref(), core.as_os_str(), "-o".as_ref(), snapshot];
        exuvia.run(arguments)?.expect_success()
    })?;
    hand_over_rules(&format!("core {interpreter}"), &comparison)?;
    println!("{comparison}");
    let failures = comparison.failures.len();
    ensure!(
        failures == 0,
        "{failures} kinds of differences without a reason"
    );
    Ok(())
}
