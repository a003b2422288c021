use super::criteria::{Criterion, native_pause, native_traversal};
use super::figures::seconds;
use super::measured::Figure;
use super::sizes::Size;
use super::tool::Tool;
use anyhow::{Context, Result};
use exuvia_testkit::{Exuvia, Interpreter, Launch, Target, native_zoo};
use std::time::Instant;

const OBJECTS: Size = Size::MILLION;

/// What it costs to ask a million objects of an extension type what they refer to: the phase
/// of `exuvia heap` that does that, and how long the target stands still, next to
/// `--no-native`, which asks none.
pub(super) fn measure(interpreter: &Interpreter, tool: &Tool, runs: u32) -> Result<[Criterion; 2]> {
    eprintln!("\n== {OBJECTS} objects of an extension type");
    let extension = native_zoo::compile(interpreter)?.context("no Python.h to compile with")?;
    let launch = Launch::new(interpreter, "native")?.arg(extension.path());
    let mut target = launch.arg(OBJECTS.objects().to_string()).start()?;
    let mut phases = Vec::new();
    let mut asking = Vec::new();
    let mut scanning = Vec::new();
    // In turns, so that what else the machine does falls on all of them.
    for _ in 0..runs {
        let phase = time_of_asking(tool, &target)?;
        let with = pause(tool, &mut target, &[])?;
        let without = pause(tool, &mut target, &["--no-native"])?;
        let [asked, still, else_still] = [phase, with, without].map(seconds);
        eprintln!("asked in {asked}; stood still for {still}, with --no-native {else_still}");
        phases.push(Some(phase));
        asking.push(Some(with));
        scanning.push(Some(without));
    }
    let phase = Figure::of(phases).context("no run")?;
    let with = Figure::of(asking).context("no pause")?;
    let without = Figure::of(scanning).context("no pause")?;
    Ok([
        native_traversal(OBJECTS, phase.median),
        native_pause(OBJECTS, with.median, without.median),
    ])
}

/// From the line that says that the phase begins to the one of the next.
fn time_of_asking(tool: &Tool, target: &Target) -> Result<f64> {
    let arguments = ["heap".to_owned(), target.pid_text(), "--verbose".to_owned()];
    let mut running = Exuvia::at(tool.program()).start(arguments)?;
    running.wait_for_line("phase: asking extension types")?;
    let begun = Instant::now();
    running.wait_for_line("phase: finding objects")?;
    let time = begun.elapsed().as_secs_f64();
    running.finish()?.expect_success()?;
    Ok(time)
}

/// For how long `exuvia heap` lets the target stand still, which has written to every object
/// since the last time, as in the other measurements.
fn pause(tool: &Tool, target: &mut Target, options: &[&str]) -> Result<f64> {
    target.ask("touch")?;
    let (sample, _) = tool.heap_with(target.pid(), options)?;
    sample.frozen.context("no time of the pause")
}
