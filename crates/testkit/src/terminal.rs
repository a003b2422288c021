use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long something may take to appear: a bound for a program that hangs.
const DEADLINE: Duration = Duration::from_secs(120);

/// How often the thread that reads looks whether it shall end.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};

/// A program at a pseudo-terminal of its own, and somebody who types there.
///
/// Dropping it kills the program and reaps it.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    /// Our end, and the thread that reads from it.
    master: Option<(Arc<File>, JoinHandle<()>)>,
    closing: Arc<AtomicBool>,
    screen: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    /// Starts a program as the only one of a new terminal.
    pub fn start(command: &Command) -> Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let open = || {
            let mut options = File::options();
            options.read(true).write(true);
            options.open(name.to_str()?).context("its other end")
        };
        let slave = open()?;
        // It makes the terminal the one that signals come from, and replaces itself.
        let mut started = Command::new("setsid");
        started
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .env("TERM", "xterm")
            .stdin(slave.try_clone()?)
            .stdout(slave.try_clone()?)
            .stderr(slave);
        for (variable, value) in command.get_envs() {
            match value {
                Some(value) => started.env(variable, value),
                None => started.env_remove(variable),
            };
        }
        let child = started.spawn().context("starting setsid")?;
        // What it holds are the terminal's ends; the program alone shall.
        drop(started);
        let master = Arc::new(File::from(master));
        let closing = Arc::new(AtomicBool::new(false));
        let (sender, screen) = channel();
        let reader = thread::spawn({
            let (master, closing) = (Arc::clone(&master), Arc::clone(&closing));
            move || read(&master, &closing, &sender)
        });
        Ok(Self {
            child,
            master: Some((master, reader)),
            closing,
            screen,
            shown: String::new(),
        })
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) -> Result<()> {
        Ok(self.master()?.write_all(keys.as_bytes())?)
    }

    /// Waits until a text is shown, and gives everything that was shown before it and after the
    /// text that was waited for before.
    pub fn expect(&mut self, text: &str) -> Result<String> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.shown.find(text) {
                let rest = self.shown.split_off(at + text.len());
                let mut before = std::mem::replace(&mut self.shown, rest);
                before.truncate(at);
                return Ok(before);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => {
                    bail!(
                        "{text:?} is not shown in {DEADLINE:?}, but: {:?}",
                        self.shown
                    )
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("it ended before it showed {text:?}, but: {:?}", self.shown)
                }
            }
        }
    }

    /// Types something and waits for what it brings.
    pub fn exchange(&mut self, keys: &str, text: &str) -> Result<String> {
        self.keys(keys)?;
        self.expect(text)
    }

    /// The process id of the program.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the terminal edits lines by itself, as it does for programs that don't.
    pub fn edits_lines(&self) -> Result<bool> {
        let modes = tcgetattr(self.master()?)?.local_modes;
        Ok(modes.contains(LocalModes::ICANON))
    }

    /// Waits for the end of the program, and gives what was still shown.
    pub fn finish(&mut self) -> Result<(ExitStatus, String)> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!("it does not end: {:?}", self.shown),
            }
        }
        Ok((self.child.wait()?, std::mem::take(&mut self.shown)))
    }

    /// Takes the terminal away, as when its window is closed.
    pub fn hang_up(&mut self) -> Result<ExitStatus> {
        let (master, reader) = self.master.take().context("the terminal was closed")?;
        self.closing.store(true, Ordering::SeqCst);
        ensure!(reader.join().is_ok(), "the thread that reads has panicked");
        drop(master);
        Ok(self.child.wait()?)
    }

    fn master(&self) -> Result<&File> {
        let (master, _) = self.master.as_ref().context("the terminal was closed")?;
        Ok(master)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail only when it has ended and was reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads what is shown until the program has closed the terminal, or we do.
fn read(mut master: &File, closing: &AtomicBool, sender: &Sender<Vec<u8>>) {
    let mut buffer = [0; 65536];
    while !closing.load(Ordering::SeqCst) {
        let mut polled = [PollFd::new(master, PollFlags::IN)];
        if poll(&mut polled, Some(&PATIENCE)) != Ok(1) {
            continue;
        }
        match master.read(&mut buffer) {
            Ok(size) if size > 0 => {
                if sender.send(buffer[..size].to_vec()).is_err() {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // EIO, once nobody has the other end open.
            _ => break,
        }
    }
}
