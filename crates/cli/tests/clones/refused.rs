//! Processes whose operator or program does not want code of others.

use crate::exuvia;
use anyhow::{Result, ensure};
use exuvia_testkit::{Fingerprint, Interpreter, Launch, Target};
use serde_json::Value;

/// A copy is no way around what was switched off. From 3.14.
pub(crate) fn switched_off(interpreter: &Interpreter) -> Result<()> {
    let by_option = &["-E", "-S", "-u", "-X", "disable-remote-debug"][..];
    let by_variable = Launch::with_options(interpreter, "ways", &["-S", "-u"])?;
    for launch in [
        Launch::with_options(interpreter, "ways", by_option)?,
        by_variable.variable("PYTHON_DISABLE_REMOTE_DEBUG", "1"),
    ] {
        // Somebody could be made to call something.
        let mut target = launch.arg("sleep").start()?;
        for command in [&["-c", "1"][..], &["--clone", "-c", "1"], &["@gc"]] {
            refused_untouched(&target, command, |ran| {
                ran.expect_error(
                    "remote debugging is switched off in this process",
                    "it was started with PYTHON_DISABLE_REMOTE_DEBUG or -X disable-remote-debug",
                )
            })?;
        }
        let pid = target.pid_text();
        let shell = exuvia().run(["shell", &pid, "--clone"])?;
        shell.expect_error("remote debugging is switched off", "this holds for --clone")?;
        // Reading runs nothing there.
        exuvia().run(["exec", &pid, "@stacks"])?.expect_success()?;
        ensure!(target.ask("go")? == Value::Null);
    }
    Ok(())
}

/// What the program audits, it also refuses in a copy. That is found out from a few of them.
pub(crate) fn a_hook_refuses(interpreter: &Interpreter) -> Result<()> {
    let mut target = Launch::new(interpreter, "ways")?.arg("busy").start()?;
    target.ask("hook exec")?;
    refused_untouched(&target, &["-c", "1"], |ran| {
        let why = "error: the code got in, and failed there: RuntimeError";
        ensure!(ran.stderr.starts_with(why), "{}", ran.stderr);
        ensure!(ran.stderr.contains("refused exec"), "{}", ran.stderr);
        Ok(())
    })?;
    // Far longer than it takes.
    let in_copy = ["--clone", "--wait", "1h", "-c", "1"];
    refused_untouched(&target, &in_copy, |ran| {
        let why = "its code did not begin: RuntimeError";
        ran.expect_error(why, "where an audit hook of the program refuses it")?;
        ensure!(ran.stderr.contains("refused exec"), "{}", ran.stderr);
        Ok(())
    })?;
    ensure!(target.ask("go")? == "worked");
    Ok(())
}

/// Runs `exec`, which is refused, and leaves the process as it was.
fn refused_untouched(
    target: &Target,
    arguments: &[&str],
    check: impl Fn(exuvia_testkit::Outcome) -> Result<()>,
) -> Result<()> {
    let before = Fingerprint::of(target.pid())?;
    let ran = exuvia().run([&["exec", target.pid_text().as_str()], arguments].concat())?;
    ensure!(ran.status.code() == Some(1), "{ran:?}");
    check(ran)?;
    before.assert_unchanged(target.pid())
}
