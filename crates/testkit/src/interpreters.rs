use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fmt, fs};

/// More interpreters, separated by colons.
const VARIABLE: &str = "EXUVIA_PYTHONS";

/// What an interpreter says of itself, as one line of JSON.
const DESCRIBE: &str = "
import json, os, sys, sysconfig
print(json.dumps({
    'executable': os.path.realpath(sys.executable),
    'version': list(sys.version_info[:3]),
    'implementation': sys.implementation.name,
    'shared': any('/libpython' in line for line in open('/proc/self/maps')),
    'debug': hasattr(sys, 'gettotalrefcount'),
    'free_threaded': bool(sysconfig.get_config_var('Py_GIL_DISABLED')),
}))
";

/// A Python interpreter of this machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Interpreter {
    /// `sys.version_info[:3]`.
    pub version: (u32, u32, u32),
    /// Its program file, links resolved.
    pub executable: PathBuf,
    /// `sys.implementation.name`.
    pub implementation: String,
    /// Whether it lives in a shared library; else the executable holds all of it.
    pub shared: bool,
    /// Whether it is a debug build.
    pub debug: bool,
    /// Whether it has no GIL.
    pub free_threaded: bool,
}

/// Every interpreter of the machine, each once, the oldest version first.
///
/// Looked at are `$EXUVIA_PYTHONS`, pyenv's versions, `/usr/bin/python3*` and the `python3`
/// of the search path. What does not start is left out, except when it was asked for by
/// `$EXUVIA_PYTHONS`.
pub fn interpreters() -> Result<Vec<Interpreter>> {
    let mut found = BTreeSet::new();
    for program in requested() {
        let interpreter = describe(&program)
            .with_context(|| format!("{}, named by {VARIABLE}", program.display()))?;
        found.insert(interpreter);
    }
    for program in pyenv().into_iter().chain(system()).chain(searched()) {
        found.extend(describe(&program));
    }
    Ok(found.into_iter().collect())
}

/// The interpreters that exuvia supports; an error when there is none.
pub fn supported() -> Result<Vec<Interpreter>> {
    let mut found = interpreters()?;
    found.retain(Interpreter::is_supported);
    ensure!(
        !found.is_empty(),
        "no supported Python on this machine; name one in {VARIABLE}"
    );
    Ok(found)
}

/// The interpreters that exuvia refuses.
pub fn unsupported() -> Result<Vec<Interpreter>> {
    let mut found = interpreters()?;
    found.retain(|interpreter| {
        interpreter.implementation == "cpython" && !interpreter.is_supported()
    });
    Ok(found)
}

impl Interpreter {
    /// The interpreter behind a program file, asked for its description.
    pub fn at(program: &Path) -> Result<Self> {
        describe(program)
    }

    /// Whether exuvia can read its processes.
    pub fn is_supported(&self) -> bool {
        let (major, minor, _) = self.version;
        self.implementation == "cpython"
            && major == 3
            && (11..=13).contains(&minor)
            && !self.free_threaded
            && !self.debug
    }
}

impl fmt::Display for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, micro) = self.version;
        let linked = if self.shared { "shared" } else { "static" };
        write!(f, "{} {major}.{minor}.{micro}", self.implementation)?;
        if self.free_threaded {
            f.write_str("t")?;
        }
        if self.debug {
            f.write_str(" debug")?;
        }
        write!(f, " ({linked}, {})", self.executable.display())
    }
}

fn describe(program: &Path) -> Result<Interpreter> {
    let output = Command::new(program)
        .args(["-I", "-S", "-c", DESCRIBE])
        .output()?;
    ensure!(
        output.status.success(),
        "it does not run: {}",
        output.status
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn requested() -> Vec<PathBuf> {
    let Some(list) = env::var_os(VARIABLE) else {
        return Vec::new();
    };
    env::split_paths(&list)
        .filter(|path| !path.as_os_str().is_empty())
        .collect()
}

fn pyenv() -> Vec<PathBuf> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(env::home_dir()?.join(".pyenv")));
    let versions = root.map(|root| entries(&root.join("versions")));
    versions
        .into_iter()
        .flatten()
        .map(|version| version.join("bin/python3"))
        .filter(|program| program.exists())
        .collect()
}

/// `python3` and `python3.12`, but not `python3-config`.
fn system() -> Vec<PathBuf> {
    let is_python = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str);
        let rest = name.and_then(|name| name.strip_prefix("python3"));
        rest.is_some_and(|rest| rest.chars().all(|c| c == '.' || c.is_ascii_digit()))
    };
    let folders = ["/usr/bin", "/usr/local/bin"];
    folders
        .iter()
        .flat_map(|folder| entries(Path::new(folder)))
        .filter(is_python)
        .collect()
}

fn searched() -> Vec<PathBuf> {
    vec![PathBuf::from("python3")]
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries.flatten().map(|entry| entry.path()).collect()
}
