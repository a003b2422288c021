//! What the server says.

use crate::attached::ServingThread;
use crate::protocol::Frame;

/// What the server said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hello {
    /// `3.12.1`.
    pub version: String,
    /// Where it runs.
    pub thread: ServingThread,
}

/// How code ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It came to its end.
    Done,
    /// By `SystemExit`; the status that it asks for.
    Exit(u8),
    /// By another exception.
    Raised(Exception),
}

/// An exception, as text of the target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exception {
    /// Its type, with the module unless that is `builtins` or `__main__`.
    pub kind: String,
    /// Its `str`.
    pub message: String,
    /// What Python shows of it, several lines.
    pub traceback: String,
}

/// What could stand in place of the end of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completions {
    /// How many characters of the text they replace.
    pub replaced: usize,
    /// The names, in order.
    pub names: Vec<String>,
}

impl Hello {
    /// In the fields from this one on.
    pub(crate) fn of(frame: &Frame, first: usize) -> Self {
        let number = |index: usize| frame.number(first + index).unwrap_or(0);
        Self {
            version: frame.text(first),
            thread: ServingThread {
                ident: number(1),
                native_id: number(2),
                pid: number(3),
                alarm: number(4),
            },
        }
    }
}

impl Outcome {
    pub(crate) fn of(answer: &Frame) -> Self {
        match answer.field(1) {
            b"ok" => Self::Done,
            b"exit" => {
                let status = answer.number(2).map(u8::try_from);
                Self::Exit(status.and_then(Result::ok).unwrap_or(1))
            }
            _ => Self::Raised(Exception {
                kind: answer.text(3),
                message: answer.text(4),
                traceback: answer.text(5),
            }),
        }
    }
}

impl Completions {
    pub(crate) fn of(answer: &Frame) -> Self {
        let replaced = answer.number(1).map(usize::try_from);
        Self {
            replaced: replaced.and_then(Result::ok).unwrap_or(0),
            names: (2..answer.fields.len())
                .map(|index| answer.text(index))
                .collect(),
        }
    }
}
