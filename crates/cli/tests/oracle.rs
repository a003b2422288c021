//! Snapshots against what the interpreters say of themselves.

use anyhow::Result;
use exuvia_testkit::{Exuvia, oracle, supported};

#[test]
fn every_interpreter_agrees_with_its_snapshot() -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let mut failures = 0;
    for interpreter in supported()? {
        let comparison = oracle::run(&interpreter, &exuvia)?;
        println!("{comparison}");
        assert!(
            comparison.types >= 200,
            "too few types for a comparison that means anything"
        );
        failures += comparison.failures.len();
    }
    assert_eq!(failures, 0, "kinds of differences without a reason");
    Ok(())
}
