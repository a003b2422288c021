use crate::{exuvia, start};
use anyhow::{Result, ensure};
use exuvia_testkit::{Fingerprint, Interpreter};

const HANGS: &str = "it could not be made an interpreter of its own in time";

/// A copy in which nobody will ever let a lock go is thrown away, and one is made at a better moment.
pub(crate) fn another_moment_is_tried(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "locked")?;
    let pid = target.pid_text();
    let mut tool = exuvia().start(["exec", &pid, "--clone", "--verbose", "-c", "print(6 * 7)"])?;
    tool.wait_for_line(&format!("note: a copy was thrown away: {HANGS}"))?;
    // The next copy may have been made by then.
    target.ask("release")?;
    let ran = tool.finish()?;
    ran.expect_success()?;
    ensure!(
        ran.stderr
            .contains(" thrown away; the process stood still for "),
        "{}",
        ran.stderr
    );
    target.assert_alive()
}

/// When no moment is better, that is said.
pub(crate) fn giving_up_is_said(interpreter: &Interpreter) -> Result<()> {
    let mut target = start(interpreter, "locked")?;
    let before = Fingerprint::of(target.pid())?;
    let pid = target.pid_text();
    let ran = exuvia().run(["exec", &pid, "--clone", "--wait", "1s", "-c", "1"])?;
    let hint = "a lock may have been held by a thread that is not in the copy";
    ran.expect_error(HANGS, hint)?;
    before.assert_unchanged(target.pid())?;
    target.assert_alive()
}
