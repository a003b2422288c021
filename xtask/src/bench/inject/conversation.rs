use anyhow::{Context, Result, bail, ensure};
use std::io::Read;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before it counts as never happening.
const DEADLINE: Duration = Duration::from_secs(120);

/// What `exuvia shell` writes, as it comes. Dropping it kills the tool and reaps it.
#[derive(Debug)]
pub(super) struct Conversation {
    child: Child,
    chunks: Receiver<Vec<u8>>,
    /// What came and was not looked for yet.
    rest: Vec<u8>,
}

impl Conversation {
    /// Of a tool that was started, and of what it writes to.
    pub(super) fn with(child: Child, mut output: impl Read + Send + 'static) -> Self {
        let (sender, chunks) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end of a terminal is an error.
            while let Ok(length) = output.read(&mut buffer)
                && length > 0
                && sender.send(buffer[..length].to_vec()).is_ok()
            {}
        });
        Self {
            child,
            chunks,
            rest: Vec::new(),
        }
    }

    /// Waits for a text, and forgets what came up to its end.
    pub(super) fn wait_for(&mut self, text: &str) -> Result<()> {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = find(&self.rest, text.as_bytes()) {
                self.rest.drain(..at + text.len());
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(left) {
                Ok(chunk) => self.rest.extend(chunk),
                Err(RecvTimeoutError::Timeout) => bail!("{text:?} never came, but {}", self.said()),
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("it ended before {text:?}, and said {}", self.said())
                }
            }
        }
    }

    /// Waits for its end.
    pub(super) fn finish(mut self) -> Result<ExitStatus> {
        let until = Instant::now() + DEADLINE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => bail!("it does not end"),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.child.wait().context("waiting for exuvia")
    }

    /// The same; an error when it failed.
    pub(super) fn expect_success(self) -> Result<()> {
        let status = self.finish()?;
        ensure!(status.success(), "exuvia shell: {status}");
        Ok(())
    }

    fn said(&self) -> String {
        format!("{:?}", String::from_utf8_lossy(&self.rest))
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill, only to reap.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}
