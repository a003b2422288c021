//! Running the tool as another user, and tests with mounts of their own.

use anyhow::{Result, ensure};
use exuvia_testkit::Exuvia;
use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The user who owns nothing.
const NOBODY: u32 = 65534;

/// Says to a test that it runs in a namespace of its own.
const INSIDE: &str = "EXUVIA_TEST_NAMESPACE";

/// The tool as nobody, with a folder that is nobody's own. Only root can become nobody.
pub(crate) struct Nobody {
    pub(crate) exuvia: Exuvia,
    folder: tempfile::TempDir,
}

pub(crate) fn as_nobody() -> Result<Nobody> {
    nobody_with(&[])
}

/// The same with some capabilities, such as `+sys_ptrace`.
pub(crate) fn nobody_with(capabilities: &[&str]) -> Result<Nobody> {
    let folder = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in("/tmp")?;
    // The build's folder may lie where nobody else may look.
    let program = folder.path().join("exuvia");
    fs::copy(env!("CARGO_BIN_EXE_exuvia"), &program)?;
    let own = folder.path().join("own");
    fs::create_dir(&own)?;
    std::os::unix::fs::chown(&own, Some(NOBODY), Some(NOBODY))?;
    let id = NOBODY.to_string();
    let mut wrapper = vec!["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"];
    let kept = format!("-all,{}", capabilities.join(","));
    if !capabilities.is_empty() {
        wrapper.extend(["--inh-caps", &kept, "--ambient-caps", &kept]);
    }
    Ok(Nobody {
        exuvia: Exuvia::through(program, wrapper),
        folder,
    })
}

impl Nobody {
    /// A folder that nobody may write to.
    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self.folder.path().join("own")
    }
}

/// Runs a test again in a namespace of mounts that only it sees, as root there. Answers
/// whether this is that second run; the first one has nothing more to do.
pub(crate) fn in_own_mounts(test: &str) -> Result<bool> {
    if env::var_os(INSIDE).is_some() {
        return Ok(true);
    }
    let flags: &[&str] = if crate::is_root() {
        &["--mount"]
    } else {
        &["--mount", "--map-root-user"]
    };
    let output = Command::new("unshare")
        .args(flags)
        .arg(env::current_exe()?)
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()?;
    ensure!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(false)
}

/// A small file system on a folder, in this namespace. The folder can't be removed while it
/// is there: drop it first.
#[must_use]
pub(crate) struct SmallMount<'a>(&'a Path);

impl<'a> SmallMount<'a> {
    /// Mounts an empty one of so many bytes.
    pub(crate) fn new(folder: &'a Path, bytes: u64) -> Result<Self> {
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(folder)
            .status()?;
        ensure!(status.success(), "mount: {status}");
        Ok(Self(folder))
    }
}

impl Drop for SmallMount<'_> {
    fn drop(&mut self) {
        // The end of the namespace would unmount it too.
        let _ = Command::new("umount").arg(self.0).status();
    }
}
