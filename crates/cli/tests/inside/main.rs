//! `exuvia exec` and `exuvia shell`, as their users run them.

mod bounds;
mod exec;
mod interrupts;
mod prompt;
mod terminal_gone;

use anyhow::Result;
use exuvia_testkit::{Exuvia, Target, newest};

fn exuvia() -> Exuvia {
    Exuvia::at(env!("CARGO_BIN_EXE_exuvia"))
}

/// A program to get into.
fn target() -> Result<Target> {
    Target::start(&newest()?, "serving")
}
