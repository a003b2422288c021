//! The program as its users run it.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

mod demo;
mod documented;
mod dominators;
mod neighbours;
mod output;
mod queries;
mod report;
mod sample;
mod targets;

use std::ffi::OsStr;
use std::process::{Command, Output};

/// The program, with arguments, and without what the environment might say about colours.
fn exuvia<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exuvia"));
    command.args(arguments);
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "EXUVIA_PYTHON"] {
        command.env_remove(variable);
    }
    command
}

/// What a run printed and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(command: &mut Command) -> Run {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Run {
        code: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// The stdout of a run that succeeds without a word on stderr.
fn answer<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> String {
    let run = run(&mut exuvia(arguments));
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    run.stdout
}

/// The stderr of a run that fails without a word on stdout.
fn refusal<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> String {
    let run = run(&mut exuvia(arguments));
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    run.stderr
}
