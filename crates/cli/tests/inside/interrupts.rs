//! Ctrl-C at a prompt, and code that does not react to interrupts.

use crate::prompt::shell;
use crate::terminal_gone::unchanged;
use crate::{exuvia, target};
use anyhow::{Context, Result};
use exuvia_testkit::{Fingerprint, Outcome, Target, send_signal};
use rustix::process::Signal;
use serde_json::Value;
use std::io::Read;
use std::process::Stdio;

/// What is typed into the debugger afterwards takes longer than code may take to react.
#[test]
fn one_control_c_is_forgotten_once_the_debugger_asks_for_a_command() -> Result<()> {
    let mut target = target()?;
    let state = tempfile::tempdir()?;
    let mut terminal = shell(&target, state.path(), &[])?;
    terminal.exchange("1 / 0\r", "ZeroDivisionError")?;
    terminal.expect(">>> ")?;
    terminal.exchange("import pdb, time; pdb.pm()\r", "(Pdb) ")?;
    let slow = "p print('beg' + 'un', flush=True), time.sleep(600)\r";
    terminal.exchange(slow, "begun\r\n")?;
    terminal.exchange("\x03", "KeyboardInterrupt")?;
    terminal.expect("(Pdb) ")?;
    for number in 40..43 {
        let command = format!("p (time.sleep(1.5), {number} + 1)[1]\r");
        terminal.exchange(&command, &format!("\r\n{}\r\n", number + 1))?;
        terminal.expect("(Pdb) ")?;
    }
    terminal.exchange("q\r", ">>> ")?;
    terminal.exchange("6 * 7\r", "\r\n42\r\n")?;
    target.assert_alive()
}

#[test]
fn one_control_c_lets_the_code_clean_up() -> Result<()> {
    let mut target = target()?;
    let state = tempfile::tempdir()?;
    let mut terminal = shell(&target, state.path(), &[])?;
    terminal.exchange("import time\r", ">>> ")?;
    for line in [
        "try:\r",
        "  print('beg' + 'un', flush=True); time.sleep(600)\r",
        "finally:\r",
        "  time.sleep(3.5); print('clean' + 'ed')\r",
    ] {
        terminal.exchange(line, "... ")?;
    }
    terminal.exchange("\r", "begun\r\n")?;
    terminal.exchange("\x03", "still runs; Ctrl-C interrupts it again\r\n")?;
    terminal.expect("cleaned\r\n")?;
    terminal.expect("KeyboardInterrupt\r\n")?;
    terminal.expect(">>> ")?;
    target.assert_alive()
}

#[test]
fn control_c_again_and_again_leaves_the_code() -> Result<()> {
    let mut target = target()?;
    let before = Fingerprint::of(target.pid())?;
    let pid = target.pid();
    let state = tempfile::tempdir()?;
    let mut terminal = shell(&target, state.path(), &[])?;
    terminal.exchange("import time\r", ">>> ")?;
    for line in [
        "while True:\r",
        "  try: _ = print('run' + 'ning', flush=True), time.sleep(600)\r",
        "  except KeyboardInterrupt: pass\r",
    ] {
        terminal.exchange(line, "... ")?;
    }
    terminal.exchange("\r", "running\r\n")?;
    terminal.exchange("\x03", "still runs; Ctrl-C interrupts it again\r\n")?;
    let leaves = "still runs; one more Ctrl-C within 10 seconds leaves it\r\n";
    terminal.exchange("\x03", leaves)?;
    terminal.keys("\x03")?;
    let (status, shown) = terminal.finish()?;
    assert_eq!(status.code(), Some(128 + 2), "{shown}");
    let end = format!("still runs in process {pid}; it ends when it prints something");
    assert!(shown.contains(&end), "{shown}");
    // It prints when it is interrupted once more.
    unchanged(&before, &mut target)
}

/// A debugger that catches the interrupt and asks for a command gets none.
#[test]
fn a_signal_ends_the_shell_although_the_code_goes_on_to_ask() -> Result<()> {
    let mut target = target()?;
    // It stays loaded, with libraries of its own.
    exec(&target, &["-c", "import pdb, time; pdb.Pdb()"])?.expect_success()?;
    let before = Fingerprint::of(target.pid())?;
    let state = tempfile::tempdir()?;
    let mut terminal = shell(&target, state.path(), &[])?;
    terminal.exchange("1 / 0\r", "ZeroDivisionError")?;
    terminal.expect(">>> ")?;
    terminal.exchange("pdb.pm()\r", "(Pdb) ")?;
    let slow = "p print('beg' + 'un', flush=True), time.sleep(600)\r";
    terminal.exchange(slow, "begun\r\n")?;
    send_signal(terminal.pid(), Signal::TERM)?;
    let (status, shown) = terminal.finish()?;
    assert_eq!(status.code(), Some(128 + 15), "{shown}");
    unchanged(&before, &mut target)
}

fn exec(target: &Target, arguments: &[&str]) -> Result<Outcome> {
    let pid = target.pid_text();
    exuvia().run(["exec", pid.as_str()].iter().chain(arguments))
}

#[test]
fn a_live_wait_for_a_lock_is_left_and_goes_on() -> Result<()> {
    let mut target = target()?;
    let before = Fingerprint::of(target.pid())?;
    let code = "import threading; released = threading.Event(); released.wait()";
    let ran = exec(&target, &["--timeout", "300ms", "--json", "-c", code])?;
    assert_eq!(ran.status.code(), Some(124), "{}", ran.stderr);
    let what = format!(
        "the code does not react to interrupts and still runs in process {}; it ends when it prints \
         something",
        target.pid()
    );
    let hint = format!(
        "hint: `exuvia exec {} @stacks` shows what it does\n",
        target.pid()
    );
    assert_eq!(ran.stderr, format!("error: {what}\n{hint}"));
    let said: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(said["error"]["type"], "no-reaction");
    assert_eq!(said["error"]["message"], what);
    assert_eq!(
        (&said["ok"], &said["timed_out"]),
        (&false.into(), &true.into())
    );
    exec(&target, &["-c", "released.set()"])?.expect_success()?;
    unchanged(&before, &mut target)?;
    // The main thread may be traced until it has ended: nobody else gets in to release it.
    let code = "released.clear(); released.wait(10)";
    let main = ["--timeout", "300ms", "--thread", "main", "-c", code];
    let ran = exec(&target, &main)?;
    assert_eq!(ran.status.code(), Some(124), "{}", ran.stderr);
    let what = "in the main thread of process";
    assert!(ran.stderr.contains(what), "{}", ran.stderr);
    unchanged(&before, &mut target)
}

/// A wait for a lock is interrupted in a copy; C code that never returns is not.
#[test]
fn a_copy_whose_code_does_not_react_is_given_up() -> Result<()> {
    let mut target = target()?;
    let before = Fingerprint::of(target.pid())?;
    let options = ["--clone", "--timeout", "300ms", "-c"];
    let waits = "import threading; threading.Event().wait()";
    let ran = exec(&target, &[&options[..], &[waits]].concat())?;
    assert_eq!(ran.status.code(), Some(124), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("took longer than 300ms"),
        "{}",
        ran.stderr
    );
    let ran = exec(&target, &[&options[..], &["sum(iter(int, 1))"]].concat())?;
    assert_eq!(ran.status.code(), Some(124));
    assert_eq!(
        ran.stderr,
        "error: the code does not react to interrupts; the copy that it runs in is given up\n"
    );
    unchanged(&before, &mut target)
}

/// A pipe from which nothing ever comes.
#[test]
fn a_line_is_waited_for_no_longer_than_the_code_may_take() -> Result<()> {
    let mut target = target()?;
    let pid = target.pid_text();
    let code = "try: input()\nexcept KeyboardInterrupt: print('once')";
    let mut child = exuvia()
        .command(["exec", &pid, "--timeout", "300ms", "-c", code])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let silent = child.stdin.take();
    let mut stdout = String::new();
    let mut pipe = child.stdout.take().context("no pipe")?;
    pipe.read_to_string(&mut stdout)?;
    let status = child.wait()?;
    drop(silent);
    assert_eq!((stdout.as_str(), status.code()), ("once\n", Some(0)));
    target.assert_alive()
}

/// What was printed is not lost with the copy that printed it.
#[test]
fn a_document_has_what_was_recorded_before_the_end_of_a_copy() -> Result<()> {
    let mut target = target()?;
    for (options, code, end) in [
        (
            &["--clone"][..],
            "import os; print(6 * 7); os._exit(3)",
            "exited with status 3",
        ),
        (
            &["--clone", "--time", "2s"],
            "import time; print(6 * 7); time.sleep(600)",
            "its time was over",
        ),
    ] {
        let ran = exec(&target, &[options, &["--json", "-c", code]].concat())?;
        assert_eq!(ran.status.code(), Some(1), "{}", ran.stderr);
        let begin = "error: the copy has ended: ";
        assert!(ran.stderr.starts_with(begin), "{}", ran.stderr);
        let said: Value = serde_json::from_str(&ran.stdout)?;
        assert_eq!(said["format"], "exuvia-exec/1");
        assert_eq!((&said["ok"], &said["status"]), (&false.into(), &1.into()));
        assert_eq!(said["stdout"], "42\n");
        assert_eq!(said["error"]["type"], "copy-ended");
        assert_eq!(said["error"]["traceback"], "");
        let message = said["error"]["message"].as_str().context("no message")?;
        assert!(message.contains(end), "{message}");
    }
    target.assert_alive()
}
