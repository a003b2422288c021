//! Code in copies of processes, with each interpreter: whatever it does, the process itself goes on
//! as before, and copies that hang are replaced.

mod deadlocks;
mod frames;
mod guppy;
mod hurt;
mod kept;
mod locks;
mod refused;

use anyhow::{Context, Result};
use exuvia_testkit::{
    Check, Exuvia, Interpreter, Launch, Outcome, Packages, Target, Trials, supported,
};
use std::io::Write;
use std::process::{ExitCode, Stdio};

const CHECKS: [(&str, Check); 8] = [
    ("everything is hurt", hurt::everything_is_hurt),
    ("a frame of another thread", frames::another_threads_frame),
    ("a copy is kept", kept::a_copy_is_kept),
    (
        "a copy whose tool was killed",
        kept::a_killed_tools_copy_is_got_back_into,
    ),
    ("waits for locks", locks::waits_are_interrupted),
    ("a lock at some moments", deadlocks::another_moment_is_tried),
    ("a lock for ever", deadlocks::giving_up_is_said),
    ("an audit hook", refused::a_hook_refuses),
];

fn main() -> Result<ExitCode> {
    let mut trials = Trials::default();
    for interpreter in supported()? {
        let mut checks = CHECKS.to_vec();
        if Packages::Heapy.is_for(&interpreter) {
            checks.push(("guppy3", guppy::both_count_the_same));
        }
        if interpreter.version >= (3, 14, 0) {
            checks.push(("switched off", refused::switched_off));
        }
        for (name, check) in checks {
            trials.add(format!("{name}: {interpreter}"), &interpreter, check);
        }
    }
    Ok(trials.run())
}

fn exuvia() -> Exuvia {
    Exuvia::at(env!("CARGO_BIN_EXE_exuvia"))
}

/// The program `copied`.
fn start(interpreter: &Interpreter, mode: &str) -> Result<Target> {
    Launch::new(interpreter, "copied")?.arg(mode).start()
}

/// Types something into a shell in a copy of it.
fn type_into_copy(target: &Target, options: &[&str], text: &str) -> Result<Outcome> {
    let options = [&["--clone"], options].concat();
    type_into(&target.pid_text(), &options, text)
}

/// Types something into a shell.
fn type_into(pid: &str, options: &[&str], text: &str) -> Result<Outcome> {
    let begin = ["shell", pid];
    let mut child = exuvia()
        .command(begin.iter().chain(options))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child
        .stdin
        .take()
        .context("no pipe")?
        .write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    Ok(Outcome {
        status: output.status,
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}
