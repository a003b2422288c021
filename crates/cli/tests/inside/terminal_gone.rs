//! A shell whose end comes from elsewhere.

use crate::prompt::shell;
use crate::target;
use anyhow::Result;
use exuvia_testkit::{Fingerprint, Target, Terminal, send_signal};
use rustix::process::Signal;

#[test]
fn a_signal_at_the_prompt_gives_the_terminal_back() -> Result<()> {
    let mut target = target()?;
    let before = Fingerprint::of(target.pid())?;
    let state = tempfile::tempdir()?;
    let mut terminal = shell(&target, state.path(), &[])?;
    terminal.exchange("1 + 1\r", "\r\n2\r\n")?;
    terminal.expect(">>> ")?;
    while terminal.edits_lines()? {}
    send_signal(terminal.pid(), Signal::TERM)?;
    // Whoever looks at it afterwards keeps it open.
    let (status, shown) = terminal.finish()?;
    assert_eq!(status.code(), Some(128 + 15), "{shown}");
    assert!(shown.contains("interrupted"), "{shown}");
    unchanged(&before, &mut target)
}

#[test]
fn a_terminal_that_goes_away_ends_the_code_as_well() -> Result<()> {
    let mut target = target()?;
    let before = Fingerprint::of(target.pid())?;
    let state = tempfile::tempdir()?;
    let mut waiting = shell(&target, state.path(), &[])?;
    waiting.hang_up()?;
    unchanged(&before, &mut target)?;
    let mut running = shell(&target, state.path(), &[])?;
    start_loop(&mut running)?;
    running.hang_up()?;
    unchanged(&before, &mut target)
}

fn start_loop(terminal: &mut Terminal) -> Result<()> {
    terminal.exchange("while True: _ = print('loop' + 'ing')\r", "... ")?;
    terminal.exchange("\r", "looping\r\n")?;
    Ok(())
}

/// The target is as it was, once the thread that served is gone.
pub(crate) fn unchanged(before: &Fingerprint, target: &mut Target) -> Result<()> {
    before.wait_until_unchanged(target.pid())?;
    target.assert_alive()
}
