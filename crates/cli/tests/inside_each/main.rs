//! `exec` and `shell`, as their users run them, in every interpreter: how they get in, what they show,
//! and that nothing of it stays. What is the same for all interpreters is in `inside`.

mod payloads;
mod prompt;
mod ways;

use anyhow::Result;
use exuvia_testkit::{Check, Exuvia, Outcome, Target, Trials, supported};
use std::process::ExitCode;

const CHECKS: [(&str, Check); 5] = [
    ("a session at a terminal", prompt::a_session_at_a_terminal),
    ("payloads", payloads::payloads_are_ready),
    ("a busy thread", ways::a_busy_thread),
    ("all threads blocked", ways::all_threads_blocked),
    ("nobody lets code in yet", ways::nobody_lets_code_in_yet),
];

fn main() -> Result<ExitCode> {
    let mut trials = Trials::default();
    for interpreter in supported()? {
        for (name, check) in CHECKS {
            trials.add(format!("{name}: {interpreter}"), &interpreter, check);
        }
    }
    Ok(trials.run())
}

fn exuvia() -> Exuvia {
    Exuvia::at(env!("CARGO_BIN_EXE_exuvia"))
}

fn exec(target: &Target, arguments: &[&str]) -> Result<Outcome> {
    exuvia().run([&["exec", target.pid_text().as_str()], arguments].concat())
}
