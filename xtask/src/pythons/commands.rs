//! Running the tools that make interpreters: with a time limit, and with a log.

use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// No step takes as long on any machine, unless it hangs, such as on a network that is not
/// there.
const LIMIT: &str = "1200";

/// How much of the log an error shows.
const SHOWN: usize = 5;

/// A file with everything that some commands print.
pub(super) struct Log {
    path: PathBuf,
    file: File,
}

/// A command that is ended when it takes too long, with the environment of a plain login: what
/// cargo adds for Rust programs is of no use to it.
pub(super) fn tool(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=10", LIMIT, program])
        .env_remove("LD_LIBRARY_PATH")
        .env("LC_ALL", "C")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    command
}

/// A command in a root.
pub(super) fn tool_in(root: &Path, program: &str) -> Command {
    let mut command = tool("chroot");
    command.arg(root).arg(program);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// The package manager of a root. Signatures are checked; the age of what a mirror has is
/// not, since a mirror that lags behind serves as well.
pub(super) fn apt_in(root: &Path) -> Command {
    let mut command = tool_in(root, "apt-get");
    command.args(["--option", "Acquire::Check-Valid-Until=false"]);
    command
}

impl Log {
    pub(super) fn new(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        Ok(Self { path, file })
    }

    /// Runs a command to its end; an error with the end of what it printed when it fails.
    pub(super) fn run(&self, command: &mut Command) -> Result<()> {
        command
            .stdout(self.file.try_clone()?)
            .stderr(self.file.try_clone()?);
        let status = command
            .status()
            .with_context(|| format!("{:?}", command.get_program()))?;
        if status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&std::fs::read(&self.path)?).into_owned();
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        let end = lines[lines.len().saturating_sub(SHOWN)..].join("\n    ");
        bail!(
            "{}: {status} (all of it: {})\n    {end}",
            words(command),
            self.path.display()
        );
    }
}

/// Runs a command that prints nothing of interest.
pub(super) fn succeed(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// What a command prints.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| words(command))?;
    ensure!(
        output.status.success(),
        "{}: {}: {}",
        words(command),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The command line without its time limit.
fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let line = words.join(" ");
    let limit = format!("timeout --kill-after=10 {LIMIT} ");
    line.strip_prefix(&limit).unwrap_or(&line).to_owned()
}
