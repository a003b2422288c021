//! Targets in a container that a test makes by itself: namespaces of users, mounts and
//! processes, and a root with nothing in it but the interpreter's own files.

use crate::descendants::{find_below, number_inside};
use crate::root::{command, path_outside, path_within};
use crate::{Exuvia, Interpreter, Launch, Target};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Where the interpreter lies in the root; nothing outside has such a path.
const PREFIX: &str = "opt/app";

/// Runs as root of the new namespaces, then becomes the interpreter or waits for it.
const FIRST: &str = r#"set -e
mount -t proc proc "$CONTAINER/proc"
mount --rbind "$LIBRARY" "$CONTAINER$INSIDE"
exec chroot "$CONTAINER" "$@""#;
const LATER: &str = r#"set -e
mount -t proc proc "$CONTAINER/proc"
mount --rbind "$LIBRARY" "$CONTAINER$INSIDE"
exec 3<&0
chroot "$CONTAINER" "$@" <&3 &
wait $!"#;

/// A process in a container. The container ends with it.
#[derive(Debug)]
pub struct Container {
    /// The process, as far as a test talks with it.
    pub target: Target,
    /// Its number where the test runs.
    pub pid: u32,
    /// Its number in the container.
    pub inside: u32,
    root: TempDir,
}

/// Which process of its container a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first, number 1.
    First,
    /// A child of the first.
    Later,
}

impl Container {
    /// Starts a program of `programs/` in a container of its own.
    ///
    /// Fails where the system does not let the user make namespaces: then containers can't be
    /// tested, and that must not pass for a success.
    pub fn start(
        interpreter: &Interpreter,
        program: &str,
        argument: &str,
        place: Place,
    ) -> Result<Self> {
        let root = tempfile::Builder::new()
            .prefix("exuvia-container-")
            .tempdir()?;
        let library = fill(root.path(), interpreter, program)?;
        let inside = Path::new("/").join(PREFIX).join("lib").join(
            library
                .file_name()
                .context("the standard library has no name")?,
        );
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--mount", "--pid", "--fork"])
            .args(["--kill-child", "sh", "-c"])
            .arg(match place {
                Place::First => FIRST,
                Place::Later => LATER,
            })
            .arg("sh")
            .arg(format!("/{PREFIX}/bin/python"))
            .args(["-E", "-s", "-S", "-u"])
            .arg(format!("/{PREFIX}/{program}.py"))
            .arg(argument)
            .env("CONTAINER", root.path())
            .env("LIBRARY", &library)
            .env("INSIDE", &inside)
            .env("LD_LIBRARY_PATH", format!("/{PREFIX}/lib"));
        let target = Launch::of(command)?.start().context(
            "a container of namespaces: without them containers are not tested; run the tests \
             as root, or let users make namespaces (kernel.unprivileged_userns_clone=1, \
             user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0)",
        )?;
        let program = format!("{PREFIX}/bin/python");
        let is_python = |pid| {
            let runs = fs::read_link(format!("/proc/{pid}/exe"));
            runs.is_ok_and(|runs| runs.ends_with(&program))
        };
        let pid = find_below(target.pid(), is_python).context("no Python runs in it")?;
        let inside = number_inside(pid)?;
        Ok(Self {
            target,
            pid,
            inside,
            root,
        })
    }

    /// The container's root, as the test sees it.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The tool inside of the container: its static binary, copied into the root.
    pub fn exuvia(&self, program: &Path) -> Result<Exuvia> {
        let copy = self.root().join("exuvia");
        fs::copy(program, copy)?;
        let target = format!("--target={}", self.pid);
        let wrapper = [
            "nsenter",
            &target,
            "--user",
            "--mount",
            "--pid",
            "--root",
            "--wd=/",
            "--preserve-credentials",
        ];
        Ok(Exuvia::through("/exuvia", wrapper))
    }
}

/// Puts interpreter, libraries and programs into a root; returns the standard library, which
/// is mounted there.
fn fill(root: &Path, interpreter: &Interpreter, program: &str) -> Result<PathBuf> {
    let prefix = root.join(PREFIX);
    for folder in ["bin", "lib"] {
        fs::create_dir_all(prefix.join(folder))?;
    }
    for folder in ["proc", "tmp"] {
        fs::create_dir(root.join(folder))?;
    }
    fs::copy(&interpreter.executable, prefix.join("bin/python"))?;
    if interpreter.shared {
        let name = interpreter
            .image
            .file_name()
            .context("a library without a name")?;
        fs::copy(&interpreter.image, prefix.join("lib").join(name))?;
    }
    for library in libraries(interpreter)? {
        let copy = root.join(library.strip_prefix("/")?);
        fs::create_dir_all(copy.parent().context("a library in no folder")?)?;
        fs::copy(path_outside(interpreter.root.as_deref(), &library), copy)?;
    }
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    for name in [program, "protocol"] {
        let file = format!("{name}.py");
        fs::copy(programs.join(&file), prefix.join(&file))?;
    }
    let library = standard_library(interpreter)?;
    let name = library
        .file_name()
        .context("the standard library has no name")?;
    fs::create_dir(prefix.join("lib").join(name))?;
    Ok(library)
}

/// The shared libraries that an interpreter needs, the loader included, as it knows them itself.
fn libraries(interpreter: &Interpreter) -> Result<Vec<PathBuf>> {
    let root = interpreter.root.as_deref();
    let output = command(root, Path::new("ldd"))
        .arg(path_within(root, &interpreter.image))
        .output()
        .context("running ldd")?;
    let text = String::from_utf8(output.stdout)?;
    let words = text.split_ascii_whitespace();
    Ok(words
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect())
}

fn standard_library(interpreter: &Interpreter) -> Result<PathBuf> {
    let root = interpreter.root.as_deref();
    let output = command(root, &interpreter.executable)
        .args([
            "-I",
            "-S",
            "-c",
            "import os; print(os.path.dirname(os.__file__))",
        ])
        .output()?;
    let library = String::from_utf8(output.stdout)?;
    Ok(path_outside(root, Path::new(library.trim_end())))
}
