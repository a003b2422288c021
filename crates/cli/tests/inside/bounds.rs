//! The bounds of code in a copy, as they are given on the command line.

use crate::{exuvia, target};
use anyhow::{Result, ensure};
use exuvia_testkit::{Fingerprint, Outcome, Target};

/// More than anything here takes: what ends earlier was ended by the bound that is tested.
const LONG: &str = "100s";

/// Runs something in a copy; the process is as it was.
fn in_copy(target: &mut Target, arguments: &[&str]) -> Result<Outcome> {
    let before = Fingerprint::of(target.pid())?;
    let pid = target.pid_text();
    let ran = exuvia().run([&["exec", pid.as_str(), "--clone"], arguments].concat())?;
    before.assert_unchanged(target.pid())?;
    target.assert_alive()?;
    Ok(ran)
}

#[test]
fn a_copy_has_the_memory_that_it_is_given() -> Result<()> {
    let mut target = target()?;
    let code = "print(len(bytearray(256 << 20)) >> 20)";
    for (memory, fits) in [("32", false), ("1000", true)] {
        let ran = in_copy(&mut target, &["--memory", memory, "-c", code])?;
        if fits {
            ensure!(
                (ran.status.success(), ran.stdout.as_str()) == (true, "256\n"),
                "{ran:?}"
            );
        } else {
            ensure!(ran.status.code() == Some(1), "{ran:?}");
            ensure!(ran.stderr.ends_with("MemoryError\n"), "{ran:?}");
        }
    }
    Ok(())
}

#[test]
fn a_copy_has_the_time_that_it_is_given() -> Result<()> {
    let mut target = target()?;
    let code = "import time; time.sleep(1000000)";
    let bounds = [
        "--time",
        "500ms",
        "--wait",
        LONG,
        "--timeout",
        LONG,
        "-c",
        code,
    ];
    let ran = in_copy(&mut target, &bounds)?;
    ran.expect_error("the copy has ended: its time was over", "--memory, --time")
}

#[test]
fn code_in_a_copy_is_interrupted_when_it_takes_too_long() -> Result<()> {
    let mut target = target()?;
    for (code, is_interrupted) in [
        ("while True: pass", true),
        (
            "while True:\n try:\n  while True: pass\n except KeyboardInterrupt: pass",
            false,
        ),
    ] {
        let bounds = ["--timeout", "300ms", "--time", LONG, "-c", code];
        let ran = in_copy(&mut target, &bounds)?;
        ensure!(ran.status.code() == Some(124), "{ran:?}");
        let said = if is_interrupted {
            "error: the code took longer than 300ms and was interrupted; process "
        } else {
            "error: the code does not react to interrupts; the copy that it runs in is given up"
        };
        ensure!(ran.stderr.contains(said), "{ran:?}");
        ensure!(
            ran.stderr.contains("KeyboardInterrupt") == is_interrupted,
            "{ran:?}"
        );
    }
    Ok(())
}
