//! Payloads, each with what only it can know.

use crate::exec;
use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Interpreter, Target};

/// Those that run code.
pub(crate) fn payloads_are_ready(interpreter: &Interpreter) -> Result<()> {
    let mut target = Target::start(interpreter, "serving")?;
    for (place, main) in [("new", ", in "), ("main", "runs this")] {
        let shown = run(&target, &["@threads", "--thread", place])?;
        let mut lines = shown.lines();
        let known = format!("native id {}, _MainThread", target.pid());
        let first = lines.next().context("no threads")?;
        ensure!(
            first.starts_with("MainThread: ") && first.ends_with(&known),
            "{shown}"
        );
        ensure!(lines.next().context("no place")?.contains(main), "{shown}");
    }
    let shown = run(&target, &["@gc"])?;
    ensure!(shown.starts_with("enabled: True\n"), "{shown}");
    let early = exec(&target, &["@tracemalloc-top"])?;
    ensure!(
        early.stderr.contains("run @tracemalloc-start first"),
        "{early:?}"
    );
    run(&target, &["@tracemalloc-start", "--", "5"])?;
    let made = "import protocol; protocol.made = [bytes(1000) for _ in range(5000)]";
    run(&target, &["-c", made])?;
    let shown = run(&target, &["@tracemalloc-top"])?;
    ensure!(shown.contains("<command>"), "{shown}");
    let shown = run(&target, &["@faulthandler", "--", "dump"])?;
    ensure!(shown.contains("most recent call first"), "{shown}");
    ensure!(shown.contains("serving.py"), "{shown}");
    target.assert_alive()
}

fn run(target: &Target, arguments: &[&str]) -> Result<String> {
    let ran = exec(target, arguments)?;
    ran.expect_success()
        .with_context(|| format!("{arguments:?}"))?;
    Ok(ran.stdout)
}
