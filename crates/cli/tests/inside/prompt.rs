//! `shell` at a terminal.

use crate::{exuvia, target};
use anyhow::Result;
use exuvia_testkit::{Target, Terminal};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A shell in a target, at its first prompt. What is typed is kept in a folder.
pub(crate) fn shell(target: &Target, state: &Path, arguments: &[&str]) -> Result<Terminal> {
    let pid = target.pid_text();
    let begin = ["shell", pid.as_str()];
    let mut command = exuvia().command(begin.iter().chain(arguments));
    command.env("XDG_STATE_HOME", state);
    let mut terminal = Terminal::start(&command)?;
    let banner = terminal.expect(">>> ")?;
    assert!(
        banner.contains(&format!("in process {pid}, live")),
        "{banner}"
    );
    Ok(terminal)
}

#[test]
fn a_prompt_is_one_of_python() -> Result<()> {
    let mut target = target()?;
    let state = tempfile::tempdir()?;
    let mut terminal = shell(&target, state.path(), &[])?;
    terminal.exchange("6 * 7\r", "\r\n42\r\n")?;
    terminal.exchange("_ + 1\r", "\r\n43\r\n")?;
    terminal.exchange("def f():\r", "... ")?;
    terminal.exchange("  return account.owner\r", "... ")?;
    terminal.exchange("\r", ">>> ")?;
    terminal.exchange("f()\r", "\r\n'alice'\r\n")?;
    terminal.exchange("1/0\r", "ZeroDivisionError: division by zero\r\n")?;
    terminal.expect(">>> ")?;
    terminal.exchange("print('no end', end='')\r", "no end\r\n")?;
    terminal.expect(">>> ")?;
    terminal.exchange("input('name? ') * 2\r", "name? ")?;
    terminal.exchange("bob\r", "'bobbob'\r\n")?;
    terminal.exchange(
        "import pydoc; pydoc.help(account)\r",
        "What a user may look at.",
    )?;
    terminal.expect(">>> ")?;
    terminal.exchange("def g(secret): 1 / 0\r", "... ")?;
    terminal.exchange("\r", ">>> ")?;
    terminal.exchange("g(42)\r", "ZeroDivisionError")?;
    terminal.exchange("import pdb; pdb.pm()\r", "(Pdb) ")?;
    terminal.exchange("p secret\r", "\r\n42\r\n")?;
    terminal.expect("(Pdb) ")?;
    terminal.exchange("q\r", ">>> ")?;
    terminal.keys("\x04")?;
    let (status, _) = terminal.finish()?;
    assert!(status.success(), "{status}");
    target.assert_alive()
}

#[test]
fn control_c_interrupts_the_code_or_clears_the_line() -> Result<()> {
    let mut target = target()?;
    let state = tempfile::tempdir()?;
    let mut terminal = shell(&target, state.path(), &[])?;
    // What is typed ahead is not lost.
    let code = "import time\rwhile True: print('run' + 'ning', flush=True); time.sleep(0.1)\r\r";
    terminal.exchange(code, "running\r\n")?;
    terminal.exchange("\x03", "KeyboardInterrupt\r\n")?;
    terminal.expect(">>> ")?;
    terminal.exchange("this is thrown away\x03", ">>> ")?;
    terminal.exchange("def half_a_function():\r", "... ")?;
    terminal.exchange("\x03", ">>> ")?;
    terminal.exchange("1 + 1\r", "\r\n2\r\n")?;
    terminal.exchange("raise SystemExit(3)\r", "")?;
    assert_eq!(terminal.finish()?.0.code(), Some(3));
    target.assert_alive()
}

#[test]
fn names_are_completed_by_the_target() -> Result<()> {
    let target = target()?;
    let state = tempfile::tempdir()?;
    let mut terminal = shell(&target, state.path(), &[])?;
    terminal.exchange("accoun\t.ow\t\r", "'alice'\r\n")?;
    terminal.expect(">>> ")?;
    // At the beginning of a line the key indents.
    terminal.exchange("if 1:\r", "... ")?;
    terminal.exchange("\tprint('ind' + 'ented')\r", "... ")?;
    terminal.exchange("\r", "indented\r\n")?;
    Ok(())
}

#[test]
fn what_was_typed_is_kept_for_its_user_alone() -> Result<()> {
    let target = target()?;
    let state = tempfile::tempdir()?;
    let mut terminal = shell(&target, state.path(), &[])?;
    terminal.exchange("'first' + ' line'\r", "'first line'")?;
    terminal.expect(">>> ")?;
    // What code asks for is not kept: it may be a password.
    terminal.exchange("input('password? ')\r", "password? ")?;
    terminal.exchange("hunter2\r", "'hunter2'")?;
    terminal.expect(">>> ")?;
    terminal.keys("\x04")?;
    terminal.finish()?;
    let file = state.path().join("exuvia/history");
    let mode = std::fs::metadata(&file)?.permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = std::fs::read_to_string(&file)?;
    assert!(
        kept.contains("'first' + ' line'") && !kept.contains("hunter2"),
        "{kept}"
    );
    let mut terminal = shell(&target, state.path(), &[])?;
    terminal.exchange("\x1b[A\x1b[A\r", "'first line'")?;
    Ok(())
}

#[test]
fn what_is_pasted_runs_as_a_whole() -> Result<()> {
    let target = target()?;
    let state = tempfile::tempdir()?;
    let mut terminal = shell(&target, state.path(), &[])?;
    let pasted =
        "\x1b[200~total = 0\nfor n in range(5):\n    total += n\n\nprint('total', total)\x1b[201~";
    terminal.exchange(&format!("{pasted}\r"), "total 10\r\n")?;
    Ok(())
}
