//! Signals to the tool, in each phase of a dump.
//!
//! The tool names each phase on stderr when it begins (`--verbose`); a test waits for that
//! line, then sends the signal.

use crate::Scene;
use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Running, send_signal, tracer_of, zombies_of};
use rustix::process::Signal;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// So many that no phase is over before a signal arrives.
const NODES: u32 = 300_000;

/// What a dump does, in this order.
const PHASES: &[&str] = &[
    "freezing",
    "counting memory",
    "finding objects",
    "reading objects",
    "writing",
];

/// How long the guardian may take to notice that the tool is gone, and to clean up.
const CLEANING: Duration = Duration::from_secs(30);

#[test]
fn the_phases_are_named_in_order() -> Result<()> {
    let scene = Scene::new()?;
    let outcome = start(&scene)?.finish()?;
    outcome.expect_success()?;
    let named: Vec<&str> = outcome
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("phase: "))
        .collect();
    assert_eq!(named, PHASES);
    Ok(())
}

#[test]
fn control_c_in_every_phase() -> Result<()> {
    interrupted_in_every_phase(Signal::INT, 130)
}

#[test]
fn sigterm_in_every_phase() -> Result<()> {
    interrupted_in_every_phase(Signal::TERM, 143)
}

fn interrupted_in_every_phase(signal: Signal, code: i32) -> Result<()> {
    let mut scene = Scene::with_nodes(NODES)?;
    for phase in PHASES {
        let mut running = start(&scene)?;
        running.wait_for_line(&format!("phase: {phase}"))?;
        send_signal(running.pid(), signal)?;
        let outcome = running.finish()?;
        let said = &outcome.stderr;
        assert_eq!(outcome.status.code(), Some(code), "{phase}: {said}");
        scene.assert_nothing_left().context(*phase)?;
    }
    Ok(())
}

/// Nothing can be tidied up on disk, but the target must not notice.
#[test]
fn sigkill_in_every_phase() -> Result<()> {
    let mut scene = Scene::with_nodes(NODES)?;
    for phase in PHASES {
        let mut running = start(&scene)?;
        running.wait_for_line(&format!("phase: {phase}"))?;
        send_signal(running.pid(), Signal::KILL)?;
        running.reap()?;
        wait_until_released(scene.target.pid()).context(*phase)?;
        scene.assert_target_untouched().context(*phase)?;
        assert!(!scene.destination().exists(), "a snapshot after {phase}");
        for entry in fs::read_dir(scene.folder.path())? {
            fs::remove_dir_all(entry?.path())?;
        }
    }
    Ok(())
}

/// Waits for the guardian, which is nobody's child any more: there is nothing to wait on
/// but its effect.
fn wait_until_released(pid: u32) -> Result<()> {
    let begun = Instant::now();
    let children = format!("/proc/{pid}/task/{pid}/children");
    while tracer_of(pid)? != 0 || !fs::read_to_string(&children)?.trim().is_empty() {
        ensure!(
            begun.elapsed() < CLEANING,
            "traced by {}, zombies {:?}",
            tracer_of(pid)?,
            zombies_of(pid)?
        );
        sleep(Duration::from_millis(2));
    }
    Ok(())
}

fn start(scene: &Scene) -> Result<Running> {
    let pid = scene.target.pid_text();
    let destination = scene.destination();
    scene.exuvia.start([
        "dump".as_ref(),
        "--verbose".as_ref(),
        pid.as_ref(),
        "-o".as_ref(),
        destination.as_os_str(),
    ])
}
