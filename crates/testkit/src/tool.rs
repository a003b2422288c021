use anyhow::{Context, Result, ensure};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

/// The tool under test.
#[derive(Debug, Clone)]
pub struct Exuvia {
    program: PathBuf,
    wrapper: Vec<OsString>,
}

/// What the tool wrote, and how it ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Exit status.
    pub status: ExitStatus,
    /// Everything on stdout.
    pub stdout: String,
    /// Everything on stderr.
    pub stderr: String,
}

/// The tool while it runs. Dropping it kills it and reaps it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    seen: String,
}

impl Exuvia {
    /// The tool, by its program file.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            wrapper: Vec::new(),
        }
    }

    /// The tool, started through another program that gets it as its last arguments:
    /// `setpriv --reuid=65534`.
    pub fn through<S: Into<OsString>>(
        program: impl Into<PathBuf>,
        wrapper: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            program: program.into(),
            wrapper: wrapper.into_iter().map(Into::into).collect(),
        }
    }

    /// A command line that is not started yet.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut words = self.wrapper.iter().map(OsString::as_os_str);
        let mut command = match words.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(arguments).env_remove("RUST_BACKTRACE");
        command.stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Outcome> {
        let mut command = self.command(arguments);
        let output = command
            .output()
            .with_context(|| format!("running {command:?}"))?;
        Ok(Outcome {
            status: output.status,
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    /// Dumps a process into a new directory.
    pub fn dump(&self, pid: u32, directory: &Path) -> Result<Outcome> {
        let pid = pid.to_string();
        let arguments: [&OsStr; 4] = [
            "dump".as_ref(),
            pid.as_ref(),
            "-o".as_ref(),
            directory.as_ref(),
        ];
        let outcome = self.run(arguments)?;
        outcome.expect_success()?;
        Ok(outcome)
    }

    /// Starts it with a pipe for stderr.
    pub fn start<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<Running> {
        let mut child = self
            .command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().context("no pipe for stderr")?;
        Ok(Running {
            child,
            stderr: BufReader::new(stderr),
            seen: String::new(),
        })
    }
}

impl Outcome {
    /// Asserts that the tool succeeded.
    pub fn expect_success(&self) -> Result<()> {
        ensure!(
            self.status.success(),
            "{}, stderr:\n{}",
            self.status,
            self.stderr
        );
        Ok(())
    }

    /// Asserts a failure as a user reads it: exit code 1, nothing on stdout, and on stderr a
    /// line `error:` that contains one text, then a line `hint:` that contains the other.
    pub fn expect_error(&self, error: &str, hint: &str) -> Result<()> {
        let complaint = || format!("{}, stderr:\n{}", self.status, self.stderr);
        ensure!(
            self.status.code() == Some(1),
            "not exit code 1: {}",
            complaint()
        );
        ensure!(self.stdout.is_empty(), "stdout: {}", self.stdout);
        let line = |prefix: &str| {
            let mut lines = self.stderr.lines();
            lines.find_map(|line| line.strip_prefix(prefix))
        };
        let said = line("error: ").with_context(|| format!("no error: {}", complaint()))?;
        ensure!(
            said.contains(error),
            "{error:?} is not in the error: {}",
            complaint()
        );
        let said = line("hint: ").with_context(|| format!("no hint: {}", complaint()))?;
        ensure!(
            said.contains(hint),
            "{hint:?} is not in the hint: {}",
            complaint()
        );
        Ok(())
    }
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads stderr until a line is exactly this one.
    pub fn wait_for_line(&mut self, wanted: &str) -> Result<()> {
        loop {
            let mut line = String::new();
            let length = self.stderr.read_line(&mut line)?;
            ensure!(length > 0, "it never said {wanted:?}, but:\n{}", self.seen);
            self.seen.push_str(&line);
            if line.trim_end() == wanted {
                return Ok(());
            }
        }
    }

    /// Waits for its end. Stdout was not kept.
    pub fn finish(mut self) -> Result<Outcome> {
        self.stderr.read_to_string(&mut self.seen)?;
        Ok(Outcome {
            status: self.child.wait()?,
            stdout: String::new(),
            stderr: std::mem::take(&mut self.seen),
        })
    }

    /// Waits for its end without reading stderr, which processes that it started may still
    /// hold open.
    pub fn reap(mut self) -> Result<ExitStatus> {
        Ok(self.child.wait()?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended and was reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
