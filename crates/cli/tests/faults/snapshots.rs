//! Snapshots that can't be read, as the command line says it. All ways in which the tables
//! can be damaged are tests of the snapshot's own crate.

use crate::{Scene, exuvia};
use anyhow::{Context, Result};
use exuvia_testkit::Outcome;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

#[test]
fn neither_a_process_nor_a_snapshot() -> Result<()> {
    let folder = tempfile::tempdir()?;
    heap(&folder.path().join("nothing"))?.expect_error("neither a PID nor a path", "exuvia ps")?;
    heap(folder.path())?.expect_error("is not a snapshot", "exuvia dump")?;
    let file = folder.path().join("file");
    fs::write(&file, "text")?;
    heap(&file)?.expect_error("is neither a core file nor a snapshot", "TARGET is a PID")
}

#[test]
fn a_newer_format() -> Result<()> {
    let (_scene, snapshot) = written()?;
    let path = snapshot.join("snapshot.json");
    let mut document: serde_json::Value = serde_json::from_slice(&fs::read(&path)?)?;
    document["version"] = 999.into();
    fs::write(&path, document.to_string())?;
    heap(&snapshot)?.expect_error("format version 999", "version of exuvia that made it")
}

#[test]
fn a_truncated_table() -> Result<()> {
    let (_scene, snapshot) = written()?;
    let path = snapshot.join("references.parquet");
    let length = fs::metadata(&path)?.len();
    File::options()
        .write(true)
        .open(&path)?
        .set_len(length / 2)?;
    heap(&snapshot)?.expect_error("references.parquet is damaged", "")
}

#[test]
fn a_damaged_table() -> Result<()> {
    let (_scene, snapshot) = written()?;
    let path = snapshot.join("objects.parquet");
    let mut bytes = fs::read(&path)?;
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 64] {
        *byte ^= 0xff;
    }
    fs::write(&path, bytes)?;
    heap(&snapshot)?.expect_error("objects.parquet is damaged", "")
}

#[test]
fn a_missing_table() -> Result<()> {
    let (_scene, snapshot) = written()?;
    fs::remove_file(snapshot.join("types.parquet"))?;
    heap(&snapshot)?.expect_error("types.parquet", "")
}

/// A snapshot of a live process, and what keeps it on disk.
fn written() -> Result<(Scene, PathBuf)> {
    let scene = Scene::new()?;
    scene.dump()?.expect_success()?;
    let snapshot = scene.destination();
    heap(&snapshot)?
        .expect_success()
        .context("the undamaged snapshot")?;
    Ok((scene, snapshot))
}

fn heap(snapshot: &Path) -> Result<Outcome> {
    exuvia().run([OsStr::new("heap"), snapshot.as_os_str()])
}
