//! Programs and libraries that are no longer where they were.

use crate::{document, heap, linked};
use anyhow::{Context, Result};
use exuvia_testkit::cores::{self, Contents};
use exuvia_testkit::{Interpreter, Launch, newest, supported};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A core whose interpreter has gone since.
struct Gone {
    folder: TempDir,
    core: PathBuf,
    /// Where the file is now that was the interpreter's.
    moved: PathBuf,
    count: u64,
}

impl Gone {
    /// The interpreter is the program.
    fn program(python: &Interpreter, contents: Contents) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let program = folder.path().join("python3");
        fs::copy(&python.executable, &program)?;
        let copy = Interpreter {
            executable: program.clone(),
            ..python.clone()
        };
        Self::after(folder, Launch::new(&copy, "plain")?, &program, contents)
    }

    /// The interpreter is a library.
    fn library(python: &Interpreter, contents: Contents) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let copy = folder
            .path()
            .join(python.image.file_name().context("no name")?);
        fs::copy(&python.image, &copy)?;
        let launch = Launch::new(python, "plain")?.variable("LD_PRELOAD", &copy);
        Self::after(folder, launch, &copy, contents)
    }

    fn after(folder: TempDir, launch: Launch, file: &Path, contents: Contents) -> Result<Self> {
        let core = folder.path().join("core");
        let target = launch.start()?;
        let live = document(target.pid_text(), &[])?;
        cores::write(&target, contents, &core)?;
        drop(target);
        let moved = folder
            .path()
            .join("elsewhere")
            .join(file.file_name().context("no name")?);
        fs::create_dir(folder.path().join("elsewhere"))?;
        fs::rename(file, &moved)?;
        Ok(Self {
            folder,
            core,
            moved,
            count: live["count"].as_u64().context("no count")?,
        })
    }

    fn assert_read(&self, options: &[&str]) -> Result<()> {
        let document = document(&self.core, options)?;
        assert_eq!(document["count"], self.count, "{options:?}");
        Ok(())
    }

    /// Where the file is now, as an argument.
    fn moved(&self) -> Result<&str> {
        self.moved.to_str().context("not UTF-8")
    }

    fn elsewhere(&self) -> Result<&str> {
        let folder = self.moved.parent().context("no folder")?;
        folder.to_str().context("not UTF-8")
    }
}

#[test]
fn a_program_is_found_by_exe_or_sysroot() -> Result<()> {
    let Some(python) = linked(false)? else {
        println!("no interpreter is linked statically");
        return Ok(());
    };
    let gone = Gone::program(&python, Contents::Usual)?;
    let outcome = heap(&gone.core, &[])?;
    outcome.expect_error("python3 is not here", "--exe PATH names the program")?;
    gone.assert_read(&["--exe", gone.moved()?])?;
    gone.assert_read(&["--sysroot", gone.elsewhere()?])?;

    // As it lay on the other machine.
    let root = gone.folder.path().join("root");
    let place = gone.folder.path().strip_prefix("/")?;
    fs::create_dir_all(root.join(place))?;
    fs::copy(&gone.moved, root.join(place).join("python3"))?;
    gone.assert_read(&["--sysroot", root.to_str().context("not UTF-8")?])
}

#[test]
fn a_library_is_found_by_sysroot() -> Result<()> {
    let Some(python) = linked(true)? else {
        println!("no interpreter is linked dynamically");
        return Ok(());
    };
    let gone = Gone::library(&python, Contents::Usual)?;
    heap(&gone.core, &[])?.expect_error("libpython3", "--sysroot DIR names")?;
    gone.assert_read(&["--sysroot", gone.elsewhere()?])
}

/// Some cores have all of memory, the symbols of the program included.
#[test]
fn a_core_of_everything_needs_no_files() -> Result<()> {
    for python in supported()?.into_iter().filter(|one| one.root.is_none()) {
        let gone = if python.shared {
            Gone::library(&python, Contents::Everything)?
        } else {
            Gone::program(&python, Contents::Everything)?
        };
        gone.assert_read(&[])?;
    }
    Ok(())
}

/// A program that exports no symbols leaves the cookie with which the runtime begins, since
/// 3.13.
#[test]
fn a_runtime_without_symbols_is_found_by_its_cookie() -> Result<()> {
    let newest = newest()?;
    if newest.version < (3, 13, 0) || !newest.shared {
        println!("no shared interpreter of 3.13 or later");
        return Ok(());
    }
    let gone = Gone::library(&newest, Contents::Everything)?;
    let header = &fs::read(&gone.moved)?[..64];
    let mut core = fs::read(&gone.core)?;
    let is_header = |bytes: &[u8]| bytes == header;
    let at = core.chunks_exact(64).position(is_header);
    let at = at.context("the library is not in the core")? * 64;
    // Without program headers, nothing leads to the symbols.
    const E_PHNUM: usize = 56;
    core[at + E_PHNUM..at + E_PHNUM + 2].fill(0);
    fs::write(&gone.core, core)?;
    gone.assert_read(&[])
}

/// Another build of the same version has another build-id, and other addresses.
#[test]
fn a_wrong_program_is_refused() -> Result<()> {
    let mut pythons = supported()?;
    pythons.retain(|python| python.root.is_none());
    let [.., wrong, python] = &pythons[..] else {
        println!("one interpreter is too few for this");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let core = folder.path().join("core");
    let target = Launch::new(python, "plain")?.start()?;
    cores::write(&target, Contents::Usual, &core)?;
    let wrong = wrong.executable.to_str().context("not UTF-8")?;
    let outcome = heap(&core, &["--exe", wrong])?;
    outcome.expect_error("that the core is of: build-id", "the very file that ran")?;

    let text = folder.path().join("text");
    fs::write(&text, "no program")?;
    let text = text.to_str().context("not UTF-8")?;
    let outcome = heap(&core, &["--exe", text])?;
    outcome.expect_error("text is no program", "--exe takes")
}

/// A file that was replaced by another build, as by an upgrade, is not taken for the old one.
#[test]
fn a_program_that_was_replaced_is_named() -> Result<()> {
    let Some(python) = linked(false)? else {
        println!("no interpreter is linked statically");
        return Ok(());
    };
    let gone = Gone::program(&python, Contents::Usual)?;
    fs::copy("/bin/cat", gone.folder.path().join("python3"))?;
    let outcome = heap(&gone.core, &[])?;
    outcome.expect_error("is another build than the", "--exe PATH")?;
    gone.assert_read(&["--exe", gone.moved()?])
}

/// Without first pages nothing proves that a file is the right one; that is said.
#[test]
fn files_that_can_not_be_proven_are_taken_with_a_warning() -> Result<()> {
    let python = newest()?;
    let folder = tempfile::tempdir()?;
    let core = folder.path().join("core");
    let target = Launch::new(&python, "plain")?.start()?;
    let live = document(target.pid_text(), &[])?;
    cores::write(&target, Contents::WithoutHeaders, &core)?;
    let outcome = heap(&core, &["--json"])?;
    outcome.expect_success()?;
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout)?;
    assert_eq!(document["count"], live["count"]);
    assert!(
        outcome.stderr.contains("no means to check"),
        "{}",
        outcome.stderr
    );
    Ok(())
}
