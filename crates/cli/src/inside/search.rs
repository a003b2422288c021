//! The folders of `--with-path`: the user names them, and the process opens them.

use crate::error::Failure;
use rustix::fs::{Mode, OFlags, ResolveFlags, Stat, fstat, open, openat2, stat};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// What goes in front of `sys.path` in a process.
#[derive(Debug, Default)]
pub(super) struct Folders {
    /// Those that the process sees, too.
    pub(super) paths: Vec<String>,
    /// Those that it does not see under the same path, as in a container: it gets descriptors.
    pub(super) lent: Vec<OwnedFd>,
}

impl Folders {
    pub(super) fn of(pid: i32, named: &[PathBuf]) -> Result<Self, Failure> {
        let mut folders = Self::default();
        for folder in named {
            let path = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let cannot = |error: Errno| {
                let error = std::io::Error::from(error);
                let path = path.display();
                Failure::new(format_args!("cannot use {path} for --with-path: {error}"))
                    .hint("name a folder that packages are installed in".to_owned())
            };
            let opened = open(&path, flags, Mode::empty()).map_err(cannot)?;
            let here = fstat(&opened).map_err(cannot)?;
            match seen_by(pid, &path) {
                Ok(there) if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino) => {
                    folders.paths.push(path.to_string_lossy().into_owned());
                }
                // Who may not look, or looks for a process that is gone, learns so in a moment.
                Ok(_) | Err(_) => folders.lent.push(opened),
            }
        }
        Ok(folders)
    }
}

/// What the process finds at a path, links followed as it would follow them.
fn seen_by(pid: i32, path: &Path) -> Result<Stat, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let root = open(format!("/proc/{pid}/root"), flags, Mode::empty())?;
    match openat2(&root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
        Ok(found) => fstat(found),
        // Linux before 5.6 follows absolute links from the root of this tool.
        Err(Errno::NOSYS) => {
            let path = path.strip_prefix("/").unwrap_or(path);
            stat(Path::new(&format!("/proc/{pid}/root")).join(path))
        }
        Err(error) => Err(error),
    }
}
