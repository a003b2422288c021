//! `exuvia`: what fills a running Python process, and what holds it alive.
//!
//! Data goes to stdout, everything else to stderr. The program exits with 0 on success
//! (a reader that closes stdout early is one), 1 on failure, 2 on wrong usage, 3 when `check` finds a limit exceeded, and 128 plus
//! the signal's number when it was interrupted.

#[macro_use]
mod tell;

mod arguments;
mod capture;
mod commands;
mod demo;
mod error;
mod inside;
mod interrupts;
mod kept;
mod output;
mod progress;
mod report;
mod target;
mod views;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = arguments::parse();
    match commands::run(arguments.command, arguments.verbose) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
