//! Core files: what is read from them, and those that can't be read.

mod moved;
mod refused;
mod tables;

use anyhow::{Context, Result};
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

/// An interpreter that is all in its program.
fn static_python() -> Result<Option<Interpreter>> {
    Ok(supported()?.into_iter().rev().find(|python| !python.shared))
}

/// The newest supported interpreter.
fn python() -> Result<Interpreter> {
    supported()?.pop().context("no interpreter")
}
