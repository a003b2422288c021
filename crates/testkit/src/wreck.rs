use crate::Exuvia;
use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// How long a shell may take: far more than any needs on a slow and busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// What `exuvia shell --clone` of a [`crate::LoadedServer`] is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wreck {
    /// Writes to, reads from, shuts down and closes every socket and file object.
    Objects,
    /// Clears and deletes what the program keeps, and patches its classes.
    Heap,
    /// Signals to the live process and its child, new processes, files by their names; writes to
    /// shared memory at last, which may end the copy.
    Others,
    /// Everything to every descriptor, the session's own among them, which may end it.
    Descriptors,
}

impl Wreck {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Objects, Self::Heap, Self::Others, Self::Descriptors];

    /// Does it; an error when it did not come to its end. A copy that `may_hang` is ended: without a
    /// GIL, it may find an object locked by a thread that is not in it.
    pub fn run(self, exuvia: &Exuvia, pid: u32, may_hang: bool) -> Result<()> {
        let mut child = exuvia
            .command(["shell", &pid.to_string(), "--clone"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().context("no pipe for stdin")?;
        // A tool that gives up does not read it.
        let typed = stdin.write_all(self.script().as_bytes());
        drop(stdin);
        let ended = within(DEADLINE, child)?;
        let said = String::from_utf8_lossy(&ended.stderr);
        typed.with_context(|| format!("{}\n{said}", ended.status))?;
        if may_hang && ended.status.signal() == Some(Signal::KILL.as_raw()) {
            return Ok(());
        }
        let is_done = String::from_utf8_lossy(&ended.stdout).contains("wrecked");
        ensure!(
            is_done || self == Self::Descriptors,
            "it did not come to its end: {}\n{said}",
            ended.status
        );
        let is_survived = matches!(self, Self::Objects | Self::Heap);
        ensure!(
            ended.status.success() || !is_survived,
            "{}\n{said}",
            ended.status
        );
        Ok(())
    }

    /// What to type. It ends by printing "wrecked", as far as it gets.
    fn script(self) -> String {
        let call = match self {
            Self::Objects => "objects()",
            Self::Heap => "heap()",
            Self::Others => "others()",
            Self::Descriptors => "descriptors()",
        };
        format!("{}{call}\n", include_str!("../programs/wreck.py"))
    }
}

/// What a process writes up to its end; it is killed when that does not come in time.
fn within(deadline: Duration, child: Child) -> Result<Output> {
    let pid = i32::try_from(child.id())?;
    let pid = Pid::from_raw(pid).context("no PID")?;
    let (sender, outputs) = channel();
    let waiting = thread::spawn(move || sender.send(child.wait_with_output()));
    let output = match outputs.recv_timeout(deadline) {
        Ok(output) => output,
        Err(_) => {
            kill_process(pid, Signal::KILL)?;
            outputs.recv()?
        }
    };
    waiting
        .join()
        .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    Ok(output?)
}
