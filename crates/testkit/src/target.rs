use crate::Interpreter;
use crate::root::{SharedFolder, command, command_with_proc};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How long a target may take for an answer before the test gives up: a bound for a target
/// that hangs, far above what any program needs on a slow and busy machine.
const DEADLINE: Duration = Duration::from_secs(180);

/// A running Python program that answers commands.
///
/// The program first writes one line of JSON when it is ready, then for each line that it
/// reads a command, and answers with one line of JSON. It ends when its stdin is closed.
/// Dropping the target kills the process and reaps it.
#[derive(Debug)]
pub struct Target {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<std::io::Result<String>>,
    greeting: Value,
    folder: SharedFolder,
}

/// How to start a [`Target`].
#[derive(Debug)]
pub struct Launch {
    command: Command,
    folder: SharedFolder,
}

impl Target {
    /// Starts a program of `programs/` and waits until it is ready.
    pub fn start(interpreter: &Interpreter, program: &str) -> Result<Self> {
        Launch::new(interpreter, program)?.start()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A folder that it can write to.
    pub fn folder(&self) -> &Path {
        self.folder.outside()
    }

    /// The path by which the program itself knows that folder.
    pub fn folder_for_itself(&self) -> PathBuf {
        self.folder.inside()
    }

    /// Its process id as text, for command lines.
    pub fn pid_text(&self) -> String {
        self.pid().to_string()
    }

    /// What it wrote when it was ready.
    pub fn greeting(&self) -> &Value {
        &self.greeting
    }

    /// An address that it wrote when it was ready, such as `0x7f0123456780`.
    pub fn address(&self, name: &str) -> Result<String> {
        let address = self.greeting.get(name).and_then(Value::as_u64);
        let address = address.with_context(|| format!("the program names no address of {name}"))?;
        Ok(format!("{address:#x}"))
    }

    /// Sends a command and waits for the answer.
    pub fn ask(&mut self, command: &str) -> Result<Value> {
        self.send(command)?;
        self.answer()
    }

    /// Sends a command without waiting.
    pub fn send(&mut self, command: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("its stdin was closed")?;
        writeln!(stdin, "{command}").with_context(|| format!("sending {command:?}"))?;
        Ok(stdin.flush()?)
    }

    /// Waits for the answer to a command that was sent.
    pub fn answer(&self) -> Result<Value> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => {
                let line = line?;
                serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))
            }
            Err(RecvTimeoutError::Timeout) => bail!("no answer within {DEADLINE:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("it ended instead of answering"),
        }
    }

    /// Asserts that the program still answers: it was not stopped, broken or ended.
    pub fn assert_alive(&mut self) -> Result<()> {
        let answer = self.ask("ping")?;
        ensure!(answer == "pong", "answered {answer} instead of \"pong\"");
        Ok(())
    }

    /// Closes its stdin, which ends it, without waiting for that.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits until it has ended by itself, or by a signal that was sent to it.
    pub fn wait(&mut self) -> Result<()> {
        self.child.wait()?;
        Ok(())
    }

    /// Kills it and waits until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill, only to reap.
        let _ = self.kill();
    }
}

impl Launch {
    /// A program of `programs/`, by its name without `.py`.
    pub fn new(interpreter: &Interpreter, program: &str) -> Result<Self> {
        let command = command(interpreter.root.as_deref(), &interpreter.executable);
        // A user's site folder and variables would make the heap differ from machine to
        // machine.
        Self::with(interpreter, program, command, &["-E", "-s", "-S", "-u"])
    }

    /// The same with other options of the interpreter, in a root that has a `/proc`.
    pub fn with_options(
        interpreter: &Interpreter,
        program: &str,
        options: &[&str],
    ) -> Result<Self> {
        let command = command_with_proc(interpreter.root.as_deref(), &interpreter.executable);
        Self::with(interpreter, program, command, options)
    }

    fn with(
        interpreter: &Interpreter,
        program: &str,
        mut command: Command,
        options: &[&str],
    ) -> Result<Self> {
        let folder = SharedFolder::new(interpreter.root.as_deref())?;
        let mut programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
        if interpreter.root.is_some() {
            folder.copy_programs(&programs)?;
            programs = folder.inside();
        }
        command
            .args(options)
            .arg(programs.join(program).with_extension("py"));
        Ok(Self { command, folder })
    }

    /// Any program that talks as those of `programs/` do.
    pub fn of(command: Command) -> Result<Self> {
        let folder = SharedFolder::new(None)?;
        Ok(Self { command, folder })
    }

    /// Adds an argument for the program.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Lets it write its stderr to a file.
    #[must_use]
    pub fn stderr(mut self, file: std::fs::File) -> Self {
        self.command.stderr(file);
        self
    }

    /// Starts it in this folder.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Starts it and waits until it is ready.
    pub fn start(mut self) -> Result<Target> {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {:?}", self.command))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("no pipe for stdout")?;
        let mut target = Target {
            child,
            stdin,
            lines: read_lines(stdout),
            greeting: Value::Null,
            folder: self.folder,
        };
        target.greeting = target
            .answer()
            .with_context(|| format!("starting {:?}", self.command))?;
        Ok(target)
    }
}

/// Reads on a thread of its own, so that waiting for a line can have a deadline.
fn read_lines(stdout: ChildStdout) -> Receiver<std::io::Result<String>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
