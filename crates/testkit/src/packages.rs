use crate::{Interpreter, cache_folder};
use anyhow::{Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A list of packages in `requirements/`, pinned for each version of Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packages {
    /// Extension libraries as they are now: numpy, pandas, pyarrow, protobuf, gevent and more.
    Extensions,
    /// Some of them as they were years ago, for one version of Python only.
    OlderExtensions,
    /// Django, FastAPI and uvicorn, for one version of Python.
    Web,
    /// Ray with pandas and pyarrow, for the newest version of Python that it is built for.
    Ray,
    /// guppy3, whose answers are compared with those of the tool, and Django.
    Heapy,
}

impl Packages {
    /// Whether there is a list for an interpreter.
    pub fn is_for(self, interpreter: &Interpreter) -> bool {
        self.list(interpreter).is_some()
    }

    /// The list for an interpreter; `None` when there is none for its version.
    fn list(self, interpreter: &Interpreter) -> Option<PathBuf> {
        // Another root has files of its own, and other flavors have no packages.
        let is_usual = !interpreter.musl && !interpreter.debug && !interpreter.free_threaded;
        if interpreter.root.is_some() || !is_usual {
            return None;
        }
        let (major, minor, _) = interpreter.version;
        let (what, age) = match self {
            Self::Extensions => ("extensions", ""),
            Self::OlderExtensions => ("extensions", "-older"),
            Self::Ray => ("ray", ""),
            Self::Web => ("web", ""),
            Self::Heapy => ("heapy", ""),
        };
        let name = format!("requirements/{what}-{major}.{minor}{age}.txt");
        let list = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        list.exists().then_some(list)
    }

    /// A folder with the packages for an interpreter, to be put on its `sys.path`; it is
    /// made by the interpreter's own pip, and kept for the next run in `$EXUVIA_CACHE` or
    /// `~/.cache/exuvia`. `None` when no list is for its version.
    pub fn install(self, interpreter: &Interpreter) -> Result<Option<PathBuf>> {
        let Some(list) = self.list(interpreter) else {
            return Ok(None);
        };
        let wanted = fs::read_to_string(&list)?;
        let folder = self.folder(interpreter)?;
        fs::create_dir_all(&folder)?;
        // Tests run side by side: one installs, the others wait. Closing the file unlocks it.
        let lock = fs::File::create(format!("{}.lock", folder.display()))?;
        lock.lock()?;
        // Written last: an installation that was interrupted has none, and one of another
        // list has another.
        let done = folder.join("installed.txt");
        if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
            return Ok(Some(folder));
        }
        fs::remove_dir_all(&folder)?;
        pip(interpreter, &list, &folder)?;
        fs::write(&done, &wanted)?;
        Ok(Some(folder))
    }

    fn folder(self, interpreter: &Interpreter) -> Result<PathBuf> {
        let path = interpreter.executable.to_string_lossy();
        let name = path.trim_start_matches('/').replace('/', "-");
        let what = match self {
            Self::Extensions => "extensions",
            Self::OlderExtensions => "older-extensions",
            Self::Ray => "ray",
            Self::Web => "web",
            Self::Heapy => "heapy",
        };
        Ok(cache_folder()?.join("packages").join(what).join(name))
    }
}

fn pip(interpreter: &Interpreter, list: &Path, folder: &Path) -> Result<()> {
    eprintln!("== {} for {interpreter}", list.display());
    let mut command = Command::new(&interpreter.executable);
    command
        .args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:"])
        .args(["--disable-pip-version-check", "--no-deps", "--target"])
        .arg(folder)
        .arg("-r")
        .arg(list);
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
