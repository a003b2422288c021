use crate::{Interpreter, cache_folder};
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, io};

/// Packages of Debian, unpacked into a folder: what no registry of Python packages has in a
/// size that a test can fetch, such as PyTorch for processors only.
#[derive(Debug)]
pub struct Unpacked {
    folder: PathBuf,
}

/// What a request for a package of Debian came to, where nothing went wrong.
#[derive(Debug)]
pub enum FromDebian {
    /// The package is there.
    Unpacked(Unpacked),
    /// This machine can't have it, which says nothing of what is tested: why, in words.
    NotToBeHad(String),
}

/// What apt-get says (in the locale C) when it does not know a package, or has no network. It
/// exits with 100 whatever has gone wrong.
const UNKNOWN: [&str; 3] = [
    "E: Unable to locate package",
    "has no installation candidate",
    "E: Unable to correct problems, you have held broken packages",
];
const UNREACHABLE: [&str; 2] = ["E: Failed to fetch", "E: Unable to fetch some archives"];

impl Unpacked {
    /// Whether an interpreter is that of the machine's own system.
    pub fn is_for(interpreter: &Interpreter) -> bool {
        interpreter.root.is_none() && interpreter.executable.starts_with("/usr/bin")
    }

    /// A package, with everything that it needs and the machine does not have, for an
    /// interpreter of the machine's own Debian; kept for the next run. An error is a failure:
    /// a machine that is no Debian, has no package lists or no network is told apart.
    pub fn install(interpreter: &Interpreter, package: &str) -> Result<FromDebian> {
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
            if let Some(why) = download(package, &archives)? {
                return Ok(FromDebian::NotToBeHad(why));
            }
            unpack(&archives, &root)?;
            fs::rename(&root, &folder)?;
        }
        Ok(FromDebian::Unpacked(Self { folder }))
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

/// Fetches a package and what it needs; says why where this machine can't.
fn download(package: &str, archives: &Path) -> Result<Option<String>> {
    eprintln!("== {package} from Debian");
    let mut command = Command::new("apt-get");
    command
        .env("LC_ALL", "C")
        .args(["install", "--download-only", "--yes", "--quiet"])
        .args(["--no-install-recommends", "-o", "Debug::NoLocking=1", "-o"])
        .arg(format!("Dir::Cache::archives={}/", archives.display()))
        .arg(package);
    let output = match command.output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some(
                "there is no apt-get, so that this is no Debian".to_owned(),
            ));
        }
        output => output.with_context(|| format!("starting {command:?}"))?,
    };
    if !output.status.success() {
        let Some(why) = is_not_to_be_had(&output) else {
            bail!("{}", failure(&command, &output));
        };
        return Ok(Some(why));
    }
    if archives_in(archives)?.is_empty() {
        return Ok(Some(format!(
            "{package} is installed, so that nothing is fetched"
        )));
    }
    Ok(None)
}

/// What apt-get says of a package that it can't get; none where something else failed.
fn is_not_to_be_had(output: &Output) -> Option<String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    let mut lines = errors.lines();
    let line = lines.find(|line| {
        let mut known = UNKNOWN.iter().chain(&UNREACHABLE);
        known.any(|text| line.contains(text))
    });
    line.map(str::to_owned)
}

fn unpack(archives: &Path, root: &Path) -> Result<()> {
    for archive in archives_in(archives)? {
        let mut command = Command::new("dpkg-deb");
        let output = command.arg("-x").arg(archive).arg(root).output();
        let output = output.with_context(|| format!("starting {command:?}"))?;
        ensure!(output.status.success(), "{}", failure(&command, &output));
    }
    Ok(())
}

fn archives_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut archives = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            archives.push(path);
        }
    }
    Ok(archives)
}

fn failure(command: &Command, output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    format!("{command:?}: {}\n{errors}", output.status)
}

#[cfg(test)]
mod tests {
    use super::is_not_to_be_had;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{ExitStatus, Output};

    #[test]
    fn what_a_machine_lacks_is_no_failure_and_all_else_is() {
        let says = |stderr: &str| Output {
            status: ExitStatus::from_raw(100 << 8),
            stdout: Vec::new(),
            stderr: stderr.as_bytes().to_vec(),
        };
        for lacking in [
            "W: a warning\nE: Unable to locate package python3-torch\n",
            "E: Package 'python3-torch' has no installation candidate\n",
            "E: Failed to fetch http://debian.invalid/a.deb  Could not resolve\n",
        ] {
            assert!(is_not_to_be_had(&says(lacking)).is_some(), "{lacking}");
        }
        for failing in [
            "",
            "E: Archives directory /x/partial is missing.\n",
            "E: You don't have enough free space in /x/.\n",
            "E: Command line option --frobnicate is not understood\n",
        ] {
            assert_eq!(is_not_to_be_had(&says(failing)), None, "{failing}");
        }
    }
}
