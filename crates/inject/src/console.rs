//! Who typed the code.

use crate::protocol::Stream;
use std::io;
use std::time::Instant;

/// The one who typed the code.
pub trait Console {
    /// Output of the code.
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()>;

    /// The code wants a line. What came before it on stdout may be a prompt.
    fn line(&mut self) -> Line;

    /// What is to become of the code that runs; asked several times a second.
    fn wish(&mut self) -> Wish;
}

/// What code gets that asks for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The line without its end.
    Text(String),
    /// The input is at its end.
    End,
    /// Ctrl-C: the code gets `KeyboardInterrupt`.
    Interrupt,
}

/// What is to become of code that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// It goes on.
    GoOn,
    /// `KeyboardInterrupt`, once.
    Interrupt,
    /// It is not waited for any longer.
    Leave,
}

/// Nobody: prints nothing, has no line, and waits until a moment.
pub(crate) struct Patient(pub(crate) Instant);

impl Console for Patient {
    fn output(&mut self, _: Stream, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn line(&mut self) -> Line {
        Line::End
    }

    fn wish(&mut self) -> Wish {
        if Instant::now() < self.0 {
            Wish::GoOn
        } else {
            Wish::Leave
        }
    }
}
