use super::criteria::{Criterion, native_traversal};
use super::measured::Figure;
use anyhow::{Context, Result};
use exuvia_testkit::{Exuvia, Interpreter, Launch, native_zoo};
use std::path::Path;
use std::time::Instant;

const OBJECTS: u64 = 1_000_000;

/// How long it takes to ask a million objects of an extension type what they refer to: the
/// phase of `exuvia heap` that does that, the median of some runs.
pub(super) fn measure(interpreter: &Interpreter, exuvia: &Path, runs: u32) -> Result<Criterion> {
    eprintln!("\n== {OBJECTS} objects of an extension type");
    let extension = native_zoo::compile(interpreter)?.context("no Python.h to compile with")?;
    let launch = Launch::new(interpreter, "native")?.arg(extension.path());
    let target = launch.arg(OBJECTS.to_string()).start()?;
    let exuvia = Exuvia::at(exuvia);
    let mut phases = Vec::new();
    for _ in 0..runs {
        let arguments = ["heap".to_owned(), target.pid_text(), "--verbose".to_owned()];
        let mut running = exuvia.start(arguments)?;
        running.wait_for_line("phase: asking extension types")?;
        let begun = Instant::now();
        running.wait_for_line("phase: finding objects")?;
        phases.push(Some(begun.elapsed().as_secs_f64()));
        running.finish()?.expect_success()?;
    }
    let phase = Figure::of(phases).context("no run")?;
    eprintln!("asked in {:.3} s", phase.median);
    Ok(native_traversal(OBJECTS, phase.median))
}
