use super::commands::{Log, succeed};
use anyhow::{Context, Result, ensure};
use exuvia_testkit::gathered_folder;
use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What an unfinished folder's name begins with; [`interpreters`](exuvia_testkit::interpreters)
/// passes over names with a dot.
const UNFINISHED: &str = ".making-";

/// The folder that gathered interpreters are kept in, while nobody else may change it.
pub(super) struct Cache {
    folder: PathBuf,
    /// Locked until it is closed.
    _lock: File,
}

/// Where something is made, before it gets its name.
pub(super) struct Staging {
    /// An empty folder for everything that is only needed while it is made.
    pub(super) work: PathBuf,
    /// What becomes the finished folder. It does not exist yet.
    pub(super) tree: PathBuf,
    /// Where the tree will be in the end.
    pub(super) destination: PathBuf,
    /// What the commands print goes here.
    pub(super) log: Log,
}

impl Cache {
    /// Opens it, makes it when it is not there, and removes what an interrupted run has left.
    /// Waits while another run has it.
    pub(super) fn open() -> Result<Self> {
        let folder = gathered_folder()?;
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let path = folder.join(".lock");
        let lock = File::create(&path).with_context(|| path.display().to_string())?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                eprintln!("another run gathers interpreters: waiting for it");
                lock.lock()?;
            }
            other => other?,
        }
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                remove(&entry.path())?;
            }
        }
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a folder is there, which then is complete.
    pub(super) fn has(&self, name: &str) -> bool {
        self.path(name).is_dir()
    }

    /// Where a folder is, whether or not it is there.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes a folder under another name, and renames it when it is complete.
    pub(super) fn make(&self, name: &str, make: impl FnOnce(&Staging) -> Result<()>) -> Result<()> {
        let unfinished = self.path(&format!("{UNFINISHED}{name}"));
        let staging = Staging {
            work: unfinished.join("work"),
            tree: unfinished.join("tree"),
            destination: self.path(name),
            log: Log::new(self.path(&format!(".{name}.log")))?,
        };
        fs::create_dir_all(&staging.work)?;
        let made = make(&staging).and_then(|()| {
            ensure!(staging.tree.is_dir(), "nothing was made");
            Ok(fs::rename(&staging.tree, &staging.destination)?)
        });
        remove(&unfinished)?;
        made
    }
}

/// Removes a folder, but not what may still be mounted in it.
fn remove(folder: &Path) -> Result<()> {
    let options = ["-rf", "--one-file-system", "--"].map(OsStr::new);
    let mut command = Command::new("rm");
    succeed(command.args(options).arg(folder))
}
