//! Bad moments: threads that can't stop, and targets that go away.

use crate::{Scene, exuvia, python};
use anyhow::{Context, Result, ensure};
use exuvia_testkit::{Launch, Running, Target, state_of, tracer_of, zombies_of};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs::File;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// So many that the target goes away long before everything is read.
const NODES: u32 = 300_000;

/// How long a target may take to get into vfork.
const SETTLING: Duration = Duration::from_secs(30);

/// In vfork the kernel keeps a thread from everything, stopping included.
#[test]
fn a_thread_in_vfork() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fifo = folder.path().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0)?;
    let mut target = Launch::new(&python()?, "vfork")?.start()?;
    let pid = target.pid();
    target.send(&format!("spawn {}", fifo.display()))?;
    wait_until_uninterruptible(pid)?;

    let destination = folder.path().join("dump.exuvia");
    let outcome = crate::dump(&exuvia(), pid, &destination)?;
    outcome.expect_error("did not stop within", "")?;
    let thread = format!("thread {pid}");
    assert!(outcome.stderr.contains(&thread), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("vfork"), "{}", outcome.stderr);
    assert_eq!(tracer_of(pid)?, 0);
    assert!(!destination.exists());

    // The child's open returns, it becomes its program, and the parent goes on.
    drop(File::options().write(true).open(&fifo)?);
    assert_eq!(target.answer()?, "spawned");
    target.assert_alive()
}

/// No process can say that it stands in vfork, so there is only its state to look at.
fn wait_until_uninterruptible(pid: u32) -> Result<()> {
    let begun = Instant::now();
    while state_of(pid)? != 'D' {
        ensure!(begun.elapsed() < SETTLING, "it never got into vfork");
        sleep(Duration::from_millis(2));
    }
    Ok(())
}

#[test]
fn the_target_exits_while_its_clone_is_read() -> Result<()> {
    let mut scene = Scene::with_nodes(NODES)?;
    let mut running = start(&scene, "clone")?;
    running.wait_for_line("phase: finding objects")?;
    scene.target.send("exit")?;
    // The clone outlives the target.
    running.finish()?.expect_success()?;
    let snapshot = exuvia_snapshot::open(&scene.destination())?;
    ensure!(snapshot.metadata.counts.objects > u64::from(NODES));
    Ok(())
}

#[test]
fn the_target_is_killed_while_it_is_read() -> Result<()> {
    let mut scene = Scene::with_nodes(NODES)?;
    let mut running = start(&scene, "stop")?;
    running.wait_for_line("phase: finding objects")?;
    scene.target.kill()?;
    let outcome = running.finish()?;
    outcome.expect_error("ended", "")?;
    scene.assert_nothing_written()
}

#[test]
fn the_target_becomes_another_program_while_its_clone_is_read() -> Result<()> {
    let mut scene = Scene::with_nodes(NODES)?;
    let mut running = start(&scene, "clone")?;
    running.wait_for_line("phase: finding objects")?;
    assert_eq!(scene.target.ask("exec")?, "replaced");
    let outcome = running.finish()?;
    // Either the copy was complete, or it is refused; never something in between.
    if outcome.status.success() {
        exuvia_snapshot::open(&scene.destination())?;
    } else {
        outcome.expect_error("replaced", "try again")?;
        scene.assert_nothing_written()?;
    }
    assert_settled(&mut scene.target)
}

/// The new program runs, untraced and without a child that it never made.
fn assert_settled(target: &mut Target) -> Result<()> {
    target.assert_alive()?;
    let pid = target.pid();
    ensure!(tracer_of(pid)? == 0, "still traced");
    let zombies = zombies_of(pid)?;
    ensure!(zombies.is_empty(), "zombies: {zombies:?}");
    Ok(())
}

fn start(scene: &Scene, mode: &str) -> Result<Running> {
    let pid = scene.target.pid_text();
    let destination = scene.destination();
    let arguments = [
        "dump".as_ref(),
        "--verbose".as_ref(),
        "--mode".as_ref(),
        mode.as_ref(),
        pid.as_ref(),
        "-o".as_ref(),
        destination.as_os_str(),
    ];
    scene.exuvia.start(arguments).context("starting the tool")
}
