//! How code gets in, as `--verbose` says it.

use crate::{exec, exuvia};
use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Interpreter, Launch, Target};

const SCRIPT: &str = "a script that a thread was asked to run (PEP 768)";
const CALL: &str = "a pending call";
const CALL_OF_MAIN: &str = "a pending call of the main thread";

/// The program `injected`, with a `/proc`, from which scripts are read.
fn start(interpreter: &Interpreter, mode: &str) -> Result<Target> {
    let launch = Launch::with_options(interpreter, "injected", &["-S", "-u"])?;
    launch.arg(mode).start()
}

/// A thread that runs Python code is asked, in the best way that its version knows: there is no other
/// that could be made to call something.
pub(crate) fn a_busy_thread(interpreter: &Interpreter) -> Result<()> {
    let target = start(interpreter, "alone")?;
    let mut rounds = 0;
    for (place, ring) in [("new", CALL), ("main", CALL_OF_MAIN)] {
        let way = match interpreter.version >= (3, 14, 0) {
            true => SCRIPT,
            false => ring,
        };
        let code = "import sys; print(sys.modules['__main__'].rounds)";
        let ran = exec(&target, &["--verbose", "--thread", place, "-c", code])?;
        ran.expect_success()?;
        ensure!(way_in(&ran.stderr)? == way, "{place}: {}", ran.stderr);
        // It goes on with its own work.
        let now: u64 = ran.stdout.trim_end().parse()?;
        ensure!(now > rounds, "{now} rounds, {rounds} before");
        rounds = now;
    }
    Ok(())
}

/// A thread that waits in a system call makes a call.
pub(crate) fn all_threads_blocked(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "blocked")?;
    let way = format!(
        "a call in thread {}, which waits in a system call",
        target.pid()
    );
    // The signals that are blocked while it makes the call are blocked in no other thread.
    let blocked = "import _signal; print(_signal.pthread_sigmask(_signal.SIG_BLOCK, ()))";
    for (place, code, printed) in [
        ("new", blocked, "set()\n"),
        ("main", "print(6 * 7)", "42\n"),
    ] {
        let ran = exec(&target, &["--verbose", "--thread", place, "-c", code])?;
        ran.expect_success()?;
        ensure!(ran.stdout == printed, "{ran:?}");
        ensure!(way_in(&ran.stderr)? == way, "{place}: {}", ran.stderr);
        target.assert_alive()?;
    }
    let ran = exec(&target, &["--verbose", "--clone", "-c", "print(6 * 7)"])?;
    ran.expect_success()?;
    let way = way_in(&ran.stderr)?;
    ensure!(way.starts_with("a copy, process "), "{way}");
    target.assert_alive()
}

/// Nobody gets in while the lock is held in C; that is said, with what each thread does, and the code
/// runs when the lock is let go.
pub(crate) fn nobody_lets_code_in_yet(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "gripped")?;
    let pid = target.pid_text();
    let code = "raise SystemExit(7)";
    let mut tool = exuvia().start(["exec", &pid, "--wait", "1h", "-c", code])?;
    tool.wait_for_line(
        "note: nobody lets code in yet; waiting until a thread is between two calls",
    )?;
    ensure!(target.ask("let go")? == "let go");
    let ran = tool.finish()?;
    ensure!(ran.status.code() == Some(7), "{ran:?}");
    let thread = format!("note:   thread {pid} ");
    let line = ran.stderr.lines().find(|line| line.starts_with(&thread));
    let line = line.with_context(|| ran.stderr.clone())?;
    let holds = match interpreter.free_threaded {
        true => "",
        false => ", and holds the interpreter lock",
    };
    ensure!(
        line.ends_with(&format!(" (the main one) is in read(){holds}")),
        "{line}"
    );
    // The greeting of what comes then.
    target.answer()?;
    target.assert_alive()
}

fn way_in(stderr: &str) -> Result<&str> {
    let mut lines = stderr.lines();
    let way = lines.find_map(|line| line.strip_prefix("note: got in by "));
    let way = way.and_then(|rest| rest.split_once("; the process stood still for "));
    Ok(way.with_context(|| stderr.to_owned())?.0)
}
