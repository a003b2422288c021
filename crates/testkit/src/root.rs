//! Interpreters in a system of their own, below a folder: those of another distribution,
//! whose C library is not this machine's.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether this process has the rights of root, which `chroot` takes.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The root of the system that a program file belongs to; none when that is the machine's.
pub(crate) fn root_of(program: &Path) -> Option<PathBuf> {
    let mut ancestors = program.ancestors().skip(1);
    let root = ancestors.find(|folder| folder.join("etc/os-release").exists())?;
    (root != Path::new("/")).then(|| root.to_owned())
}

/// A command line that is not started yet. The process that it becomes is the interpreter's:
/// `chroot` replaces itself.
pub(crate) fn command(root: Option<&Path>, program: &Path) -> Command {
    let Some(root) = root else {
        return Command::new(program);
    };
    let mut command = Command::new("chroot");
    command.arg(root).arg(path_within(Some(root), program));
    command
}

/// The same with a `/proc` in the root, which nobody else sees.
pub(crate) fn command_with_proc(root: Option<&Path>, program: &Path) -> Command {
    const MOUNTED: &str = r#"mount -t proc proc "$0/proc" && exec chroot "$0" "$@""#;
    let Some(root) = root else {
        return Command::new(program);
    };
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", MOUNTED]);
    command.arg(root).arg(path_within(Some(root), program));
    command
}

/// A path as a program sees it that lives in a root.
pub(crate) fn path_within(root: Option<&Path>, path: &Path) -> PathBuf {
    match root.and_then(|root| path.strip_prefix(root).ok()) {
        Some(rest) => Path::new("/").join(rest),
        None => path.to_owned(),
    }
}

/// A path as everybody else sees it.
pub(crate) fn path_outside(root: Option<&Path>, path: &Path) -> PathBuf {
    match (root, path.strip_prefix("/")) {
        (Some(root), Ok(rest)) => root.join(rest),
        _ => path.to_owned(),
    }
}

/// A folder that a test and the program that it starts both reach. It vanishes with its test.
#[derive(Debug)]
pub(crate) struct SharedFolder {
    root: Option<PathBuf>,
    folder: tempfile::TempDir,
}

impl SharedFolder {
    pub(crate) fn new(root: Option<&Path>) -> Result<Self> {
        let folder = match root {
            Some(root) => tempfile::Builder::new()
                .prefix("exuvia-")
                .tempdir_in(root.join("tmp"))
                .with_context(|| format!("a folder in {}", root.display()))?,
            None => tempfile::tempdir()?,
        };
        Ok(Self {
            root: root.map(Path::to_owned),
            folder,
        })
    }

    /// As the test sees it.
    pub(crate) fn outside(&self) -> &Path {
        self.folder.path()
    }

    /// As the program sees it.
    pub(crate) fn inside(&self) -> PathBuf {
        path_within(self.root.as_deref(), self.folder.path())
    }

    /// Copies all Python programs of a folder.
    pub(crate) fn copy_programs(&self, from: &Path) -> Result<()> {
        for entry in fs::read_dir(from)? {
            let path = entry?.path();
            if let Some(name) = path.file_name()
                && path.extension().is_some_and(|extension| extension == "py")
            {
                fs::copy(&path, self.folder.path().join(name))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_root_are_shorter_within() {
        let root = Some(Path::new("/srv/sid"));
        let program = Path::new("/srv/sid/usr/bin/python3");
        assert_eq!(path_within(root, program), Path::new("/usr/bin/python3"));
        assert_eq!(path_outside(root, Path::new("/usr/bin/python3")), program);
        assert_eq!(path_within(None, program), program);
        assert_eq!(path_outside(None, program), program);
    }
}
