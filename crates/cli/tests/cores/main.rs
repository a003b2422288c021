//! Core files: what is read from them, and those that can't be read.

mod moved;
mod refused;
mod tables;

use anyhow::Result;
use exuvia_testkit::{Exuvia, Interpreter, Outcome, supported};
use serde_json::Value;
use std::ffi::OsStr;

fn exuvia() -> Exuvia {
    Exuvia::at(env!("CARGO_BIN_EXE_exuvia"))
}

/// Runs `exuvia heap` to its end, whatever that is.
fn heap(target: impl AsRef<OsStr>, options: &[&str]) -> Result<Outcome> {
    let options = options.iter().map(OsStr::new);
    exuvia().run(
        ["heap".as_ref(), target.as_ref()]
            .into_iter()
            .chain(options),
    )
}

/// The document of `exuvia heap --json`.
fn document(target: impl AsRef<OsStr>, options: &[&str]) -> Result<Value> {
    let outcome = heap(target, &[&["--json"], options].concat())?;
    outcome.expect_success()?;
    Ok(serde_json::from_str(&outcome.stdout)?)
}

/// The newest interpreter of the machine itself that is all in its program, or that is in a
/// library.
fn linked(shared: bool) -> Result<Option<Interpreter>> {
    let pythons = supported()?.into_iter().rev();
    let mut own = pythons.filter(|python| python.root.is_none());
    Ok(own.find(|python| python.shared == shared))
}
