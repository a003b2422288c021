use anyhow::{Context, Result, bail, ensure};
use exuvia_testkit::{Interpreter, supported};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A virtual environment with guppy3; kept for the next run.
#[derive(Debug)]
pub(super) struct Environment {
    /// Its interpreter's program file.
    pub(super) python: PathBuf,
    /// What the environment was made with.
    pub(super) interpreter: Interpreter,
    /// The version of guppy3 in it.
    pub(super) guppy: String,
}

impl Environment {
    /// The environment of one interpreter; else of the newest one that guppy3 installs for.
    pub(super) fn prepare(python: Option<&Path>) -> Result<Self> {
        if let Some(python) = python {
            return Self::of(Interpreter::at(python)?);
        }
        // What no package is built for would be refused after minutes only.
        let is_usual =
            |one: &Interpreter| one.root.is_none() && !one.musl && !one.debug && !one.free_threaded;
        for interpreter in supported()?.into_iter().rev().filter(is_usual) {
            let name = interpreter.to_string();
            match Self::of(interpreter) {
                Ok(environment) => return Ok(environment),
                Err(error) => eprintln!("no guppy3 for {name}: {error:#}"),
            }
        }
        bail!("guppy3 installs for no supported Python of this machine")
    }

    fn of(interpreter: Interpreter) -> Result<Self> {
        let folder = folder_of(&interpreter)?;
        let python = folder.join("bin/python3");
        // An environment whose making was interrupted has no guppy3 either.
        let guppy = match guppy_version(&python) {
            Ok(version) => version,
            Err(_) => {
                make(&interpreter, &folder)?;
                guppy_version(&python)?
            }
        };
        Ok(Self {
            python,
            interpreter,
            guppy,
        })
    }
}

/// `$EXUVIA_CACHE` or `~/.cache/exuvia`, and in it a folder that names the interpreter.
fn folder_of(interpreter: &Interpreter) -> Result<PathBuf> {
    let cache = match env::var_os("EXUVIA_CACHE") {
        Some(cache) => PathBuf::from(cache),
        None => {
            let home = env::home_dir().context("no home directory; set EXUVIA_CACHE")?;
            home.join(".cache/exuvia")
        }
    };
    let path = interpreter.executable.to_string_lossy();
    let name = path.trim_start_matches('/').replace('/', "-");
    Ok(cache.join("bench").join(name))
}

fn make(interpreter: &Interpreter, folder: &Path) -> Result<()> {
    eprintln!("== guppy3 for {interpreter}");
    let mut venv = Command::new(&interpreter.executable);
    run(venv.args(["-m", "venv", "--clear"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/python3"));
    run(pip.args(["-m", "pip", "install", "--quiet", "guppy3"]))
}

fn guppy_version(python: &Path) -> Result<String> {
    let mut command = Command::new(python);
    let output = command
        .args(["-c", "import guppy; print(guppy.__version__)"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "guppy3 is not there: {text}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn run(command: &mut Command) -> Result<()> {
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
