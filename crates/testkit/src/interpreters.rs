use crate::root::{command, path_outside, root_of};
use crate::sources::{self, VARIABLE};
use anyhow::{Context, Result, ensure};
use exuvia_cpython::{Flavor, Layout, Version};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;

/// What an interpreter says of itself, as one line of JSON; then it waits until its stdin is
/// closed, so that its mappings can be looked at. They are read from outside, since a root
/// has no `/proc` of its own.
const DESCRIBE: &str = "
import json, os, sys, sysconfig
print(json.dumps({
    'executable': os.path.realpath(sys.executable),
    'version': list(sys.version_info[:3]),
    'hexversion': sys.hexversion,
    'implementation': sys.implementation.name,
    'debug': hasattr(sys, 'gettotalrefcount'),
    'free_threaded': bool(sysconfig.get_config_var('Py_GIL_DISABLED')),
}))
sys.stdout.flush()
sys.stdin.read()
";

#[derive(Deserialize)]
struct Description {
    executable: PathBuf,
    version: (u32, u32, u32),
    hexversion: u32,
    implementation: String,
    debug: bool,
    free_threaded: bool,
}

/// A Python interpreter of this machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interpreter {
    /// `sys.version_info[:3]`.
    pub version: (u32, u32, u32),
    /// `sys.hexversion`, which also tells pre-releases.
    pub hexversion: u32,
    /// Its program file, links resolved.
    pub executable: PathBuf,
    /// The root of the system that it lives in, where that is not the machine's: it is
    /// started by `chroot`, which only root may.
    pub root: Option<PathBuf>,
    /// `sys.implementation.name`.
    pub implementation: String,
    /// Whether it lives in a shared library; else the executable holds all of it.
    pub shared: bool,
    /// The file that holds it: that library, or the executable.
    pub image: PathBuf,
    /// Whether its C library is musl.
    pub musl: bool,
    /// Whether it is a debug build.
    pub debug: bool,
    /// Whether it has no GIL.
    pub free_threaded: bool,
}

/// Every interpreter of the machine, each once, the oldest version first.
///
/// Looked at are `$EXUVIA_PYTHONS`, pyenv's versions, `/usr/bin/python3*`, the `python3` of
/// the search path, and what `cargo xtask pythons` has gathered. What does not start is left
/// out, except when it was asked for by `$EXUVIA_PYTHONS`.
pub fn interpreters() -> Result<Vec<Interpreter>> {
    let mut found = BTreeSet::new();
    for program in sources::requested() {
        let interpreter = Interpreter::at(&program)
            .with_context(|| format!("{}, named by {VARIABLE}", program.display()))?;
        found.insert(interpreter);
    }
    // Most of the time goes by while they start.
    let programs = sources::found();
    thread::scope(|scope| {
        let starting: Vec<_> = programs
            .iter()
            .map(|program| scope.spawn(|| Interpreter::at(program)))
            .collect();
        for one in starting {
            found.extend(one.join().into_iter().flatten());
        }
    });
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

/// The newest supported interpreter that is built as usual and runs in the machine's own
/// system, for what does not differ between interpreters.
pub fn newest() -> Result<Interpreter> {
    let found = supported()?.into_iter().rev();
    let mut usual = found.filter(|one| one.root.is_none() && !one.free_threaded && !one.musl);
    usual
        .next()
        .context("no supported Python of this machine is built as usual")
}

impl Interpreter {
    /// The interpreter behind a program file, asked for its description.
    pub fn at(program: &Path) -> Result<Self> {
        let root = root_of(program);
        let mut command = command(root.as_deref(), program);
        let mut child = command
            .args(["-I", "-S", "-c", DESCRIBE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        let described = describe(&mut child, root);
        // Closes its stdin, which ends it.
        let status = child.wait()?;
        ensure!(status.success(), "it does not run: {status}");
        described
    }

    /// Whether exuvia can read its processes: whether it has a table for them. Debug builds are
    /// refused.
    pub fn is_supported(&self) -> bool {
        let Some(release) = Version::from_hex(self.hexversion) else {
            return false;
        };
        let mut tables = Layout::supported();
        self.implementation == "cpython"
            && !self.debug
            && tables.any(|(first, flavor)| {
                flavor == self.flavor() && first.same_series(release) && first <= release
            })
    }

    /// Which of the builds of its version it is.
    pub fn flavor(&self) -> Flavor {
        if self.free_threaded {
            Flavor::FreeThreaded
        } else {
            Flavor::Gil
        }
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
        if self.musl {
            f.write_str(" musl")?;
        }
        write!(f, " ({linked}, {})", self.executable.display())
    }
}

/// Asks a process that runs [`DESCRIBE`].
fn describe(child: &mut Child, root: Option<PathBuf>) -> Result<Interpreter> {
    let stdout = child.stdout.take().context("no pipe for stdout")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let described: Description = serde_json::from_str(&line)?;
    let executable = path_outside(root.as_deref(), &described.executable);
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.id()))?;
    let library = mapped(&maps, "/libpython");
    drop(child.stdin.take());
    Ok(Interpreter {
        version: described.version,
        hexversion: described.hexversion,
        root,
        implementation: described.implementation,
        shared: library.is_some(),
        image: library.unwrap_or_else(|| executable.clone()),
        executable,
        musl: mapped(&maps, "musl").is_some(),
        debug: described.debug,
        free_threaded: described.free_threaded,
    })
}

/// The first mapped file with this in its path.
fn mapped(maps: &str, part: &str) -> Option<PathBuf> {
    let mut paths = maps
        .lines()
        .filter_map(|line| line.find('/').map(|at| &line[at..]));
    paths.find(|path| path.contains(part)).map(PathBuf::from)
}
