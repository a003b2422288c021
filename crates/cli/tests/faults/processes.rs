//! Processes that are no target.

use crate::namespaces::{as_nobody, nobody_with};
use crate::{Scene, dump, exuvia, is_root};
use anyhow::{Context, Result};
use exuvia_snapshot::CaptureMode;
use exuvia_testkit::{
    Interpreter, Launch, Target, send_signal, state_of, supported, unsupported, wait_until_exited,
    wait_until_stopped,
};
use rustix::process::Signal;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::{fs, path::Path};

/// A child that is killed and reaped when the test ends, however it ends.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn refused(pid: u32, error: &str, hint: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let outcome = dump(&exuvia(), pid, &folder.path().join("dump.exuvia"))?;
    outcome.expect_error(error, hint)?;
    assert_eq!(fs::read_dir(folder.path())?.count(), 0, "left behind");
    Ok(())
}

#[test]
fn no_such_process() -> Result<()> {
    // The kernel gives out numbers below this one only.
    let limit: u32 = fs::read_to_string("/proc/sys/kernel/pid_max")?
        .trim()
        .parse()?;
    refused(limit, &format!("no process {limit}"), "exuvia ps")
}

#[test]
fn the_number_zero() -> Result<()> {
    refused(0, "0 is not the number of a process", "exuvia ps")
}

/// Process 1 is no Python, or may not be traced; either way it must survive the question.
#[test]
fn process_one() -> Result<()> {
    refused(1, "process 1", "")
}

#[test]
fn itself() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = Command::new("sh")
        .args(["-c", "exec \"$0\" dump $$ -o \"$1\""])
        .arg(env!("CARGO_BIN_EXE_exuvia"))
        .arg(folder.path().join("dump.exuvia"))
        .output()?;
    let stderr = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("is this tool itself"), "{stderr}");
    assert!(stderr.contains("\nhint: "), "{stderr}");
    Ok(())
}

#[test]
fn not_python() -> Result<()> {
    // `cat` waits until its stdin is closed, which is when the test ends.
    let child = Command::new("cat").stdin(Stdio::piped()).spawn()?;
    let child = Guarded(child);
    refused(child.0.id(), "is not a Python process", "exuvia ps")
}

#[test]
fn a_process_of_another_user() -> Result<()> {
    if is_root() {
        let mut scene = Scene::new()?;
        let nobody = as_nobody()?;
        let destination = nobody.folder().join("dump.exuvia");
        let outcome = dump(&nobody.exuvia, scene.target.pid(), &destination)?;
        outcome.expect_error("cannot attach to process", "CAP_SYS_PTRACE")?;
        assert!(!destination.exists());
        return scene.assert_nothing_left();
    }
    let pid = foreign_process()?;
    refused(pid, "cannot attach to process", "CAP_SYS_PTRACE")
}

/// No more than that one capability is needed, neither for attaching nor for ending the copy.
#[test]
fn a_process_of_another_user_with_the_capability() -> Result<()> {
    if !is_root() {
        println!("not tested: only root can give another user a capability");
        return Ok(());
    }
    // Files of the interpreter are read as that user, whom the capability does not help there.
    let mut found = supported()?.into_iter().rev();
    let Some(interpreter) = found.find(|one| one.root.is_none() && is_public(&one.executable))
    else {
        println!("not tested: no interpreter here can be read by everybody");
        return Ok(());
    };
    let mut scene = Scene::of(Launch::new(&interpreter, "plain")?.arg("0").start()?)?;
    let nobody = nobody_with(&["+sys_ptrace"])?;
    let destination = nobody.folder().join("dump.exuvia");
    let outcome = dump(&nobody.exuvia, scene.target.pid(), &destination)?;
    outcome.expect_success()?;
    let snapshot = exuvia_snapshot::open(&destination)?;
    assert_eq!(snapshot.metadata.capture.mode, CaptureMode::Clone);
    scene.assert_nothing_left()
}

/// Whether every user may read a file, by the permissions of the folders on its path too.
fn is_public(file: &Path) -> bool {
    file.ancestors()
        .all(|part| fs::metadata(part).is_ok_and(|found| found.mode() & 0o5 == 0o5))
}

/// Any process that is not ours. Not all of them are Python, but permission comes first.
fn foreign_process() -> Result<u32> {
    let own = rustix::process::geteuid().as_raw();
    let mut processes = fs::read_dir("/proc")?.flatten();
    let found = processes.find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let has_memory = !fs::read(entry.path().join("cmdline")).ok()?.is_empty();
        let is_foreign = entry.metadata().ok()?.uid() != own;
        (pid != 1 && has_memory && is_foreign).then_some(pid)
    });
    found.context("every process here is ours")
}

#[test]
fn a_process_that_is_traced_already() -> Result<()> {
    let mut scene = Scene::new()?;
    let python = crate::python()?;
    let launch = Launch::new(&python, "tracer")?.arg(scene.target.pid_text());
    let tracer = launch.start()?;
    let outcome = scene.dump()?;
    let by = format!("(process {})", tracer.pid());
    outcome.expect_error("traced", "tracer")?;
    assert!(outcome.stderr.contains(&by), "{}", outcome.stderr);
    drop(tracer);
    scene.assert_nothing_left()
}

#[test]
fn a_zombie() -> Result<()> {
    let child = Guarded(Command::new("true").spawn()?);
    wait_until_exited(child.0.id())?;
    refused(child.0.id(), "is a zombie", "")
}

#[test]
fn a_stopped_process_is_dumped_and_stays_stopped() -> Result<()> {
    let mut scene = Scene::new()?;
    let pid = scene.target.pid();
    send_signal(pid, Signal::STOP)?;
    wait_until_stopped(pid)?;
    scene.dump()?.expect_success()?;
    assert_eq!(state_of(pid)?, 'T');
    assert!(scene.destination().is_dir());
    send_signal(pid, Signal::CONT)?;
    scene.assert_target_untouched()
}

#[test]
fn unsupported_versions_are_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut refused = unsupported()?;
    // A machine may have no other version than supported ones.
    let has_file_of_its_own = |one: &&Interpreter| !one.shared && one.root.is_none();
    if let Some(interpreter) = supported()?.iter().find(has_file_of_its_own) {
        refused.push(interpreter.disguised(folder.path())?);
    }
    assert!(!refused.is_empty(), "no unsupported version to try");
    for interpreter in refused {
        let mut scene = Scene::of(Target::start(&interpreter, "plain")?)?;
        let (major, minor, _) = interpreter.version;
        let outcome = scene.dump()?;
        let checked = outcome.expect_error(&format!("{major}.{minor}"), "");
        checked.with_context(|| interpreter.to_string())?;
        scene.assert_nothing_left()?;
    }
    Ok(())
}

/// Of a version that is supported otherwise.
#[test]
fn debug_builds_are_named() -> Result<()> {
    let supported = supported()?;
    let is_known = |one: &Interpreter| {
        let same_series = |other: &Interpreter| other.version.1 == one.version.1;
        supported.iter().any(same_series)
    };
    let mut refused = unsupported()?;
    refused.retain(|one| one.debug && is_known(one));
    if refused.is_empty() {
        println!("there is no debug build here: nothing to refuse");
    }
    for interpreter in refused {
        let mut scene = Scene::of(Target::start(&interpreter, "plain")?)?;
        let outcome = scene.dump()?;
        outcome
            .expect_error("is a debug build", "ordinary build")
            .with_context(|| interpreter.to_string())?;
        scene.assert_nothing_left()?;
    }
    Ok(())
}

#[test]
fn ps_says_what_can_be_attached_to() -> Result<()> {
    let scene = Scene::new()?;
    let outcome = exuvia().run(["ps"])?;
    outcome.expect_success()?;
    let pid = scene.target.pid_text();
    let mut lines = outcome.stdout.lines();
    let line = lines.find(|line| line.split_whitespace().next() == Some(&pid));
    let line = line.context("the target is not listed")?;
    let (major, minor, _) = crate::python()?.version;
    let version = line.split_whitespace().nth(1);
    assert_eq!(version, Some(&*format!("{major}.{minor}")), "{line}");
    assert!(Path::new("/proc").join(pid).exists());
    Ok(())
}
