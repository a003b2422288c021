//! A shell at a pseudo-terminal.

use crate::{exec, exuvia};
use anyhow::{Result, ensure};
use exuvia_testkit::{Interpreter, ServingAtRest, Target, Terminal};

/// Expressions, a function of several lines, an exception, Ctrl-C while something runs and while
/// something is typed, Ctrl-D; then the process is as it was, within and without.
pub(crate) fn a_session_at_a_terminal(interpreter: &Interpreter) -> Result<()> {
    let mut target = Target::start(interpreter, "serving")?;
    // What the first one loads, such as codecs, a program has loaded by then.
    exec(&target, &["-c", "import time; print(time.time() > 0)"])?.expect_success()?;
    let before = ServingAtRest::of(&mut target)?;
    session(&target, interpreter)?;
    before.assert_again(&mut target)?;
    ensure!(target.ask("work")? == "worked");
    target.assert_alive()
}

fn session(target: &Target, interpreter: &Interpreter) -> Result<()> {
    let state = tempfile::tempdir()?;
    let pid = target.pid_text();
    let mut command = exuvia().command(["shell", &pid]);
    command.env("XDG_STATE_HOME", state.path());
    let mut terminal = Terminal::start(&command)?;
    let banner = terminal.expect(">>> ")?;
    let (major, minor, micro) = interpreter.version;
    let begin = format!("Python {major}.{minor}.{micro} in process {pid}, live");
    ensure!(banner.contains(&begin), "{banner}");
    terminal.exchange("6 * 7\r", "\r\n42\r\n")?;
    terminal.exchange("_ + 1\r", "\r\n43\r\n")?;
    terminal.exchange("def f(n):\r", "... ")?;
    terminal.exchange("  return (n, __name__)\r", "... ")?;
    terminal.exchange("\r", ">>> ")?;
    terminal.exchange("f(5)\r", "\r\n(5, '__main__')\r\n")?;
    terminal.exchange("del f; 1/0\r", "ZeroDivisionError: division by zero\r\n")?;
    terminal.exchange("while True: print('run' + 'ning', flush=True)\r", "... ")?;
    terminal.exchange("\r", "running\r\n")?;
    terminal.exchange("\x03", "KeyboardInterrupt\r\n")?;
    terminal.expect(">>> ")?;
    terminal.exchange("this is thrown away\x03", ">>> ")?;
    terminal.exchange("'un' + 'harmed'\r", "'unharmed'\r\n")?;
    terminal.expect(">>> ")?;
    terminal.keys("\x04")?;
    let (status, shown) = terminal.finish()?;
    ensure!(status.success(), "{status}: {shown}");
    Ok(())
}
