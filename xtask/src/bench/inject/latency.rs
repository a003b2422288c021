use super::conversation::Conversation;
use super::exec;
use super::shell::{PROMPT, on_terminal, type_line};
use super::spread::Spread;
use anyhow::{Result, ensure};
use exuvia_testkit::{Interpreter, Launch, Target, clock};
use serde::Serialize;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// How often each is done. The first time is left out, since a file may have to be read.
const SHELLS: usize = 10;
const CONTROL_D: &[u8] = b"\x04";
const QUESTIONS: usize = 500;
const EXECS: usize = 50;

/// What one interpreter's processes take.
#[derive(Debug, Serialize)]
pub(super) struct Latency {
    pub(super) python: String,
    pub(super) busy: Measured,
    pub(super) blocked: Measured,
}

/// What one process takes; each is a reason where it could not be measured.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    /// From the start of `exuvia shell` to its prompt.
    pub(super) prompt: Result<Spread, String>,
    /// The same with `--clone`.
    pub(super) prompt_in_clone: Result<Spread, String>,
    /// `1+1` in a session.
    pub(super) round_trip: Result<Spread, String>,
    pub(super) stop: Result<Stop, String>,
    pub(super) stop_for_clone: Result<Stop, String>,
}

/// For how long a process stood still.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Stop {
    /// As the tool says.
    pub(super) said: Spread,
    /// As a clock in the process says, its longest gap from before an `exec` to after it.
    pub(super) seen: Spread,
    /// The time of `os.fork()` in between.
    pub(super) fork: Spread,
    /// `exuvia exec` as a whole, from its start to its end.
    pub(super) wall: Spread,
}

/// Measures a process that works all the time, and one that waits in C.
pub(super) fn measure(interpreter: &Interpreter, exuvia: &Path) -> Result<Latency> {
    Ok(Latency {
        python: interpreter.to_string(),
        busy: of_process(interpreter, exuvia, "busy")?,
        blocked: of_process(interpreter, exuvia, "blocked")?,
    })
}

fn of_process(interpreter: &Interpreter, exuvia: &Path, process: &str) -> Result<Measured> {
    let mut target = Launch::new(interpreter, "injected")?.arg(process).start()?;
    clock::start(&mut target)?;
    let pid = target.pid_text();
    let measured = Measured {
        prompt: told(prompt(exuvia, &[&pid]), process),
        prompt_in_clone: told(prompt(exuvia, &[&pid, "--clone"]), process),
        round_trip: told(round_trip(exuvia, &pid), process),
        stop: told(stop(exuvia, &mut target, &[]), process),
        stop_for_clone: told(stop(exuvia, &mut target, &["--clone"]), process),
    };
    target.assert_alive()?;
    Ok(measured)
}

/// What can't be measured is told and is no reason to measure nothing else.
fn told<T>(result: Result<T>, process: &str) -> Result<T, String> {
    result.map_err(|error| {
        eprintln!("{process}: {error:#}");
        format!("{error:#}")
    })
}

fn prompt(exuvia: &Path, words: &[&str]) -> Result<Spread> {
    let mut times = Vec::new();
    for _ in 0..=SHELLS {
        let begun = Instant::now();
        let (mut shell, mut keys) = on_terminal(exuvia, words)?;
        shell.wait_for(PROMPT)?;
        times.push(begun.elapsed().as_secs_f64());
        // It is one that answers.
        type_line(&mut keys, "'an' + 'swer'")?;
        shell.wait_for("answer")?;
        shell.wait_for(PROMPT)?;
        leave(shell, &mut keys)?;
    }
    Spread::of(times.split_off(1))
}

fn round_trip(exuvia: &Path, pid: &str) -> Result<Spread> {
    let (mut shell, mut keys) = on_terminal(exuvia, &[pid])?;
    shell.wait_for(PROMPT)?;
    let mut times = Vec::new();
    for _ in 0..=QUESTIONS {
        let begun = Instant::now();
        type_line(&mut keys, "1+1")?;
        shell.wait_for("\n2\r\n")?;
        times.push(begun.elapsed().as_secs_f64());
        shell.wait_for(PROMPT)?;
    }
    leave(shell, &mut keys)?;
    Spread::of(times.split_off(1))
}

fn leave(shell: Conversation, keys: &mut File) -> Result<()> {
    keys.write_all(CONTROL_D)?;
    shell.expect_success()
}

fn stop(exuvia: &Path, target: &mut Target, options: &[&str]) -> Result<Stop> {
    let [mut said, mut seen, mut forks, mut walls] = [const { Vec::new() }; 4];
    for round in 0..=EXECS {
        target.ask("gap")?;
        let executed = exec::run(exuvia, target.pid(), "print(6 * 7)", options)?;
        let gap = seconds_of(target, "gap")?;
        let fork = seconds_of(target, "fork")?;
        ensure!(executed.output == "42\n", "it printed {executed:?}");
        if round > 0 {
            said.push(executed.stopped);
            seen.push(gap);
            forks.push(fork);
            walls.push(executed.wall);
        }
    }
    Ok(Stop {
        said: Spread::of(said)?,
        seen: Spread::of(seen)?,
        fork: Spread::of(forks)?,
        wall: Spread::of(walls)?,
    })
}

fn seconds_of(target: &mut Target, command: &str) -> Result<f64> {
    let answer = target.ask(command)?;
    answer.as_f64().ok_or_else(|| anyhow::anyhow!("{answer}"))
}
