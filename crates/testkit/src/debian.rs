use crate::{Interpreter, cache_folder};
use anyhow::{Context, Result, ensure};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Packages of Debian, unpacked into a folder: what no registry of Python packages has in a
/// size that a test can fetch, such as PyTorch for processors only.
#[derive(Debug)]
pub struct Unpacked {
    folder: PathBuf,
}

impl Unpacked {
    /// Whether an interpreter is that of the machine's own system.
    pub fn is_for(interpreter: &Interpreter) -> bool {
        interpreter.root.is_none() && interpreter.executable.starts_with("/usr/bin")
    }

    /// A package, with everything that it needs and the machine does not have, for an
    /// interpreter of the machine's own Debian; kept for the next run. An error where the
    /// machine is no Debian, or its package lists are not there.
    pub fn install(interpreter: &Interpreter, package: &str) -> Result<Self> {
        ensure!(
            Self::is_for(interpreter),
            "{interpreter} is not the machine's own"
        );
        let kept = cache_folder()?.join("packages/debian");
        fs::create_dir_all(&kept)?;
        // Tests run side by side: one unpacks, the others wait. Closing the file unlocks it.
        let lock = fs::File::create(kept.join(format!("{package}.lock")))?;
        lock.lock()?;
        let folder = kept.join(package);
        if !folder.exists() {
            let fresh = tempfile::tempdir_in(&kept)?;
            let (archives, root) = (fresh.path().join("archives"), fresh.path().join("root"));
            fs::create_dir_all(archives.join("partial"))?;
            download(package, &archives)?;
            unpack(&archives, &root)?;
            fs::rename(&root, &folder)?;
        }
        Ok(Self { folder })
    }

    /// The folder with modules of Python, for `sys.path`.
    pub fn modules(&self) -> PathBuf {
        self.folder.join("usr/lib/python3/dist-packages")
    }

    /// `LD_LIBRARY_PATH` for programs that load what is in it.
    pub fn library_path(&self) -> Result<OsString> {
        let mut folders = Vec::new();
        for top in ["lib", "usr/lib"] {
            collect(&self.folder.join(top), 2, &mut folders)?;
        }
        Ok(env::join_paths(folders)?)
    }
}

/// Folders with shared libraries, so many levels deep.
fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    let mut has_library = false;
    for entry in entries {
        let entry = entry?;
        has_library |= entry.file_name().to_string_lossy().contains(".so");
        if depth > 0 && entry.file_type()?.is_dir() {
            collect(&entry.path(), depth - 1, found)?;
        }
    }
    if has_library {
        found.push(folder.to_owned());
    }
    Ok(())
}

fn download(package: &str, archives: &Path) -> Result<()> {
    eprintln!("== {package} from Debian");
    let mut command = Command::new("apt-get");
    command
        .args(["install", "--download-only", "--yes", "--quiet"])
        .args(["--no-install-recommends", "-o", "Debug::NoLocking=1", "-o"])
        .arg(format!("Dir::Cache::archives={}/", archives.display()))
        .arg(package);
    run(&mut command)
}

fn unpack(archives: &Path, root: &Path) -> Result<()> {
    for archive in fs::read_dir(archives)? {
        let archive = archive?.path();
        if archive
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            run(Command::new("dpkg-deb").arg("-x").arg(archive).arg(root))?;
        }
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{errors}",
        output.status
    );
    Ok(())
}
