//! Files that are no core, or none that can be read.

use crate::{document, heap};
use anyhow::{Context, Result};
use exuvia_testkit::cores::{self, Contents};
use exuvia_testkit::{Launch, Target, newest};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

fn core() -> Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    let target = Launch::new(&newest()?, "plain")?.arg("1000").start()?;
    let core = folder.path().join("core");
    cores::write(&target, Contents::Usual, &core)?;
    Ok((folder, core))
}

#[test]
fn files_of_other_kinds() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    let refused = |bytes: &[u8], error: &str, hint: &str| -> Result<()> {
        fs::write(&file, bytes)?;
        heap(&file, &[])?.expect_error(error, hint)
    };
    refused(b"", "it is empty", "ulimit -c")?;
    refused(
        b"hello\n",
        "is neither a core file nor a snapshot",
        "TARGET is a PID",
    )?;
    refused(b"MDMP\x93\xa7", "a minidump", "TARGET is a PID")?;
    refused(b"\x1f\x8b\x08\0", "compressed with gzip", "unpack it first")?;
    refused(b"\xfd7zXZ\0\0\0", "compressed with xz", "unpack it first")?;
    refused(
        b"ProblemType: Crash\n",
        "a report of Apport",
        "apport-unpack",
    )?;
    refused(
        b"\x28\xb5\x2f\xfd nothing",
        "cannot unpack",
        "unpack the core yourself",
    )?;
    refused(b"\x7fELF\x02\x01", "is damaged", "")?;
    let program = fs::read("/bin/cat")?;
    refused(&program, "a program or library", "give its PID")
}

#[test]
fn cores_of_other_machines() -> Result<()> {
    let (folder, core) = core()?;
    let mut bytes = fs::read(core)?;
    let file = folder.path().join("other");
    let mut refused = |class: u8, order: u8, machine: u8, name: &str| -> Result<()> {
        bytes[4] = class;
        bytes[5] = order;
        bytes[18] = machine;
        fs::write(&file, &bytes)?;
        heap(&file, &[])?.expect_error(name, "the kind of machine")
    };
    refused(1, 1, 3, "32-bit x86")?;
    refused(1, 1, 40, "32-bit ARM")?;
    refused(2, 1, 243, "ELF number 243")?;
    refused(2, 2, 0, "a big-endian machine")?;
    let other = if cfg!(target_arch = "x86_64") {
        (183, "aarch64")
    } else {
        (62, "x86_64")
    };
    refused(2, 1, other.0, other.1)
}

/// A child that is killed and reaped when the test ends, however it ends.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_core_of_another_program() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let core = folder.path().join("core");
    let child = Command::new("/bin/cat").stdin(Stdio::piped()).spawn()?;
    let child = Guarded(child);
    cores::write_of(child.0.id(), Contents::Usual, &core)?;
    heap(&core, &[])?.expect_error("is not a Python process", "")
}

/// A core that a full disk or a limit has cut off: what is there is shown, with a warning.
#[test]
fn a_core_that_is_cut_off() -> Result<()> {
    let (folder, core) = core()?;
    let whole = document(&core, &[])?;
    let bytes = fs::read(&core)?;
    let cut = folder.path().join("cut");

    // The end of the file is the end of the addresses: the stack of the main thread.
    fs::write(&cut, &bytes[..bytes.len() - 8192])?;
    let outcome = heap(&cut, &["--json"])?;
    outcome.expect_success()?;
    let said = "the core is cut off: it lacks 8192 of";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout)?;
    assert_eq!(document["count"], whole["count"]);

    fs::write(&cut, &bytes[..100])?;
    heap(&cut, &[])?.expect_error("cut off within its headers", "take another one")?;
    // No length is a reason for anything but an answer or an error with a hint.
    for part in 1..20 {
        fs::write(&cut, &bytes[..bytes.len() * part / 20])?;
        let outcome = heap(&cut, &[])?;
        if !outcome.status.success() {
            outcome.expect_error("cut off", "")?;
        }
    }
    Ok(())
}

#[test]
fn options_that_are_for_cores_only() -> Result<()> {
    let target = Target::start(&newest()?, "plain")?;
    let outcome = heap(target.pid_text(), &["--exe", "/bin/cat"])?;
    outcome.expect_error("are for core files only", "leave them out")?;
    let (_folder, core) = core()?;
    let outcome = heap(&core, &["--sysroot", "/no/such/root"])?;
    outcome.expect_error("/no/such/root is no directory", "--sysroot takes the root")?;
    let core = core.to_str().context("not UTF-8")?;
    let outcome = crate::exuvia().run(["dump", core, "--mode", "stop"])?;
    outcome.expect_error("--mode is for processes", "leave `--mode` out")?;
    assert!(!Path::new("core").exists());
    Ok(())
}

/// Fields of a core that say more than there is. Found by fuzzing: sizes whose sum is no number
/// any more, and a mapping without an end that was searched page by page.
#[test]
fn numbers_that_lie() -> Result<()> {
    const PROGRAM_HEADERS: usize = 64;
    const P_FILESZ: usize = 32;
    let (folder, core) = core()?;
    let bytes = fs::read(&core)?;
    let file = folder.path().join("lies");

    let mut lies = bytes.clone();
    for segment in 1..4 {
        let at = PROGRAM_HEADERS + segment * 56 + P_FILESZ;
        lies[at..at + 8].copy_from_slice(&(1u64 << 63).to_le_bytes());
    }
    fs::write(&file, &lies)?;
    let outcome = heap(&file, &[])?;
    assert!(
        outcome.stderr.contains("the core is cut off"),
        "{}",
        outcome.stderr
    );

    // The note of mapped files: "CORE", a count, the size of a page, and first and last address
    // of the first file. Without its name nothing is found in that file either.
    let mut lies = bytes;
    let kind = [0x45, 0x4c, 0x49, 0x46, b'C', b'O', b'R', b'E', 0, 0, 0, 0];
    let note = lies.windows(kind.len()).position(|window| window == kind);
    let end = note.context("no note of files")? + kind.len() + 16 + 8;
    lies[end..end + 8].copy_from_slice(&(1u64 << 62).to_le_bytes());
    fs::write(&file, &lies)?;
    let outcome = heap(&file, &["--exe", "/bin/cat"])?;
    outcome.expect_error("that the core is of", "--exe takes")?;
    let outcome = heap(&file, &[])?;
    assert!(matches!(outcome.status.code(), Some(0 | 1)), "{outcome:?}");
    Ok(())
}
