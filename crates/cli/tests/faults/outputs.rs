//! Places that can't be written to.

use crate::namespaces::{SmallMount, as_nobody, in_own_mounts};
use crate::{Scene, dump, exuvia, is_root};
use anyhow::{Context, Result};
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

#[test]
fn the_destination_exists() -> Result<()> {
    let mut scene = Scene::new()?;
    fs::create_dir(scene.destination())?;
    scene
        .dump()?
        .expect_error("exists already", "another name")?;
    assert_eq!(fs::read_dir(scene.destination())?.count(), 0);
    scene.assert_target_untouched()
}

#[test]
fn the_destination_is_not_writable() -> Result<()> {
    let mut scene = Scene::new()?;
    let outcome = if is_root() {
        // Root may write everywhere, except where nothing can be written.
        dump(&exuvia(), scene.target.pid(), "/proc/dump.exuvia".as_ref())?
    } else {
        fs::set_permissions(scene.folder.path(), Permissions::from_mode(0o500))?;
        scene.dump()?
    };
    outcome.expect_error("can't write", "")?;
    scene.assert_nothing_left()
}

#[test]
fn the_disk_is_full() -> Result<()> {
    if !in_own_mounts("outputs::the_disk_is_full")? {
        return Ok(());
    }
    let mut scene = Scene::with_nodes(100_000)?;
    let folder = scene.folder.path().to_path_buf();
    let _mount = SmallMount::new(&folder, 64 << 10)?;
    scene.dump()?.expect_error("can't write", "make room")?;
    scene.assert_nothing_left()
}

/// What can't be kept beside a snapshot costs a line, not the answer.
#[test]
fn the_disk_is_full_of_the_snapshot() -> Result<()> {
    if !in_own_mounts("outputs::the_disk_is_full_of_the_snapshot")? {
        return Ok(());
    }
    let scene = Scene::with_nodes(100_000)?;
    let folder = scene.folder.path().join("small");
    fs::create_dir(&folder)?;
    let mount = SmallMount::new(&folder, 64 << 20)?;
    let snapshot = folder.join("heap.exuvia");
    dump(&exuvia(), scene.target.pid(), &snapshot)?.expect_success()?;
    let filler = folder.join("filler");
    let full = fs::write(&filler, vec![0; 64 << 20]);
    assert!(full.is_err(), "the disk is not full");
    let outcome = exuvia().run(["tree".as_ref(), snapshot.as_os_str()])?;
    assert!(
        outcome.stdout.starts_with("Dominator tree of everything: "),
        "{outcome:?}"
    );
    assert!(
        outcome.stderr.contains("not kept beside the snapshot"),
        "{outcome:?}"
    );
    let left = fs::read_dir(&snapshot)?.count();
    fs::remove_file(filler)?;
    // With room it is kept, and takes two files.
    let outcome = exuvia().run(["tree".as_ref(), snapshot.as_os_str()])?;
    assert_eq!(
        (outcome.stderr.as_str(), fs::read_dir(&snapshot)?.count()),
        ("", left + 2)
    );
    drop(mount);
    Ok(())
}

/// As in `exuvia heap PID | head -1`.
#[test]
fn stdout_is_closed_early() -> Result<()> {
    let mut scene = Scene::new()?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_exuvia"))
        .args(["heap", &scene.target.pid_text(), "--all"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Closed before the first byte can come: the process is still to be captured.
    drop(child.stdout.take());
    let mut stderr = String::new();
    let mut pipe = child.stderr.take().context("no pipe for stderr")?;
    pipe.read_to_string(&mut stderr)?;
    let status = child.wait()?;
    assert!(status.success(), "{status}: {stderr}");
    assert!(
        !stderr.contains("panicked") && !stderr.contains("error:"),
        "{stderr}"
    );
    scene.assert_nothing_left()
}

#[test]
fn a_snapshot_is_for_its_owner_only() -> Result<()> {
    let scene = Scene::new()?;
    scene.dump()?.expect_success()?;
    let mode = fs::metadata(scene.destination())?.permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    if is_root() {
        let nobody = as_nobody()?;
        fs::set_permissions(scene.folder.path(), Permissions::from_mode(0o755))?;
        let destination = scene.destination();
        let outcome = nobody
            .exuvia
            .run(["heap".as_ref(), destination.as_os_str()])?;
        outcome.expect_error("permission denied", "only the user who made a snapshot")?;
    }
    Ok(())
}
