//! Pythons that exuvia does not know: each is refused by its name.

use crate::{dump, exuvia};
use anyhow::{Context, Result, ensure};
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A program that has written a line and now waits for one. It is killed and reaped when the
/// test ends, however it ends.
struct Waiting(Child);

impl Waiting {
    /// Starts a program that repeats its input.
    fn start(program: &Path) -> Result<Self> {
        let mut waiting = Self::spawn(program, &[])?;
        let stdin = waiting.0.stdin.as_mut().context("no pipe for stdin")?;
        stdin.write_all(b"begun\n")?;
        waiting.begun(program)
    }

    /// Starts a Python of any age.
    fn start_python(program: &Path) -> Result<Self> {
        let text = "import sys; sys.stdout.write('begun\\n'); sys.stdout.flush(); \
                    sys.stdin.readline()";
        Self::spawn(program, &["-c", text])?.begun(program)
    }

    fn spawn(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped());
        let child = command.stdout(Stdio::piped()).spawn();
        Ok(Self(child.with_context(|| program.display().to_string())?))
    }

    fn begun(mut self, program: &Path) -> Result<Self> {
        let stdout = self.0.stdout.take().context("no pipe for stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        ensure!(line == "begun\n", "{} wrote {line:?}", program.display());
        Ok(self)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn refused(waiting: &Waiting, error: &str, hint: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let outcome = dump(
        &exuvia(),
        waiting.0.id(),
        &folder.path().join("dump.exuvia"),
    )?;
    outcome.expect_error(error, hint)?;
    assert_eq!(fs::read_dir(folder.path())?.count(), 0, "left behind");
    Ok(())
}

/// What pyenv calls the versions that will never be supported.
const OLD: [&str; 3] = ["2.7.", "3.6.", "3.7."];

#[test]
fn old_versions() -> Result<()> {
    let mut tried = 0;
    for (version, program) in pyenv()? {
        let Some(series) = OLD.iter().find(|old| version.starts_with(*old)) else {
            continue;
        };
        let waiting = Waiting::start_python(&program)?;
        let error = format!("CPython {} is not supported", series.trim_end_matches('.'));
        refused(&waiting, &error, "exuvia ps").with_context(|| version.clone())?;
        tried += 1;
    }
    println!("{tried} old versions of pyenv were tried");
    Ok(())
}

/// The versions that pyenv has, with their programs.
fn pyenv() -> Result<Vec<(String, PathBuf)>> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(env::home_dir()?.join(".pyenv")));
    let Some(Ok(versions)) = root.map(|root| fs::read_dir(root.join("versions"))) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for version in versions {
        let version = version?;
        let program = version.path().join("bin/python");
        if program.exists() {
            found.push((version.file_name().to_string_lossy().into_owned(), program));
        }
    }
    Ok(found)
}

/// `cat` under the name of another implementation: by names of files it is what it claims.
#[test]
fn other_implementations() -> Result<()> {
    let cat = Path::new("/bin/cat");
    for (file, name) in [("pypy3.10", "PyPy"), ("graalpy", "GraalPy")] {
        let folder = tempfile::tempdir()?;
        let program = folder.path().join(file);
        fs::copy(cat, &program)?;
        let waiting = Waiting::start(&program)?;
        let error = format!("{file} is {name}, not CPython");
        refused(&waiting, &error, "CPython only")?;
    }
    Ok(())
}

#[test]
fn a_real_pypy() -> Result<()> {
    let found = env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join("pypy3"))
        .find(|program| program.exists());
    let Some(program) = found else {
        println!("there is no pypy3 on the path: nothing to refuse");
        return Ok(());
    };
    let waiting = Waiting::start_python(&program)?;
    refused(&waiting, "is PyPy, not CPython", "CPython only")
}
