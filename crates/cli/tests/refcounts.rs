//! Reference counts of idle processes against the references and roots found.

use anyhow::Result;
use exuvia_testkit::{Exuvia, refcounts, supported};

/// The part of the objects whose count must be explained to the last reference.
const EXPLAINED: f64 = 0.999;

#[test]
fn every_interpreters_reference_counts_are_explained() -> Result<()> {
    let exuvia = Exuvia::at(env!("CARGO_BIN_EXE_exuvia"));
    let mut failures = 0;
    for interpreter in supported()? {
        if interpreter.debug {
            // Its states have more fields than the table of its series knows.
            println!("not reconciled: {interpreter}");
            continue;
        }
        for program in refcounts::PROGRAMS {
            let result = refcounts::run(&interpreter, &exuvia, program)?;
            println!("{program}, {result}");
            assert!(result.ratio() >= EXPLAINED, "{result}");
            failures += result.failures.len();
        }
    }
    assert_eq!(failures, 0, "types whose counts differ without a reason");
    Ok(())
}
