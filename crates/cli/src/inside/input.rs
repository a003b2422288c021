//! Stdin without line editing. A signal ends the wait for it, and so does the end of the code's time.

use crate::interrupts::Interrupts;
use exuvia_inject::Line;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, ErrorKind};

/// How often a wait looks at signals that came just before it.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// What was read from stdin and not yet asked for.
#[derive(Debug, Default)]
pub(crate) struct Input {
    rest: Vec<u8>,
    ended: bool,
}

impl Input {
    /// An input that is at its end, for code that came from stdin itself.
    pub(crate) fn ended() -> Self {
        Self {
            rest: Vec::new(),
            ended: true,
        }
    }

    /// The next line, unless the wait for it is to stop.
    pub(crate) fn line(&mut self, stops: &dyn Fn() -> bool) -> Line {
        loop {
            if let Some(at) = self.rest.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=at).collect();
                return Line::Text(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            if self.ended {
                let line = std::mem::take(&mut self.rest);
                return match line.is_empty() {
                    true => Line::End,
                    false => Line::Text(String::from_utf8_lossy(&line).into_owned()),
                };
            }
            match self.more(stops) {
                Ok(true) => {}
                Ok(false) => return Line::Interrupt,
                Err(_) => self.ended = true,
            }
        }
    }

    /// Everything up to the end; nothing when a signal came first.
    pub(crate) fn all(&mut self, interrupts: &Interrupts) -> io::Result<Option<Vec<u8>>> {
        while !self.ended {
            if !self.more(&|| interrupts.received())? {
                return Ok(None);
            }
        }
        Ok(Some(std::mem::take(&mut self.rest)))
    }

    /// Waits for more; whether there is more, or the end.
    fn more(&mut self, stops: &dyn Fn() -> bool) -> io::Result<bool> {
        let stdin = rustix::stdio::stdin();
        loop {
            if stops() {
                return Ok(false);
            }
            let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
            match poll(&mut polled, Some(&PATIENCE)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => break,
                Err(error) => return Err(error.into()),
            }
        }
        let mut buffer = [0; 65536];
        match rustix::io::read(stdin, &mut buffer).map_err(io::Error::from) {
            Ok(0) => self.ended = true,
            Ok(size) => self.rest.extend_from_slice(&buffer[..size]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}
