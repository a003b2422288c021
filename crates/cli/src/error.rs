//! How a command fails, and what the user reads then.

use anstyle::{AnsiColor, Style};
use std::fmt;
use std::process::ExitCode;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something went wrong.
    Error(Message),
    /// A signal asked for the end; its number.
    Interrupted(i32),
    /// A limit that `check` was given does not hold, which it has said on stdout.
    LimitExceeded,
    /// The code that ran asks for this exit status, or gets it, and stderr has said why.
    Status(u8),
    /// Nobody reads stdout any more, which is how `exuvia … | head` ends: not an error.
    OutputClosed,
}

/// What happened, and what to do about it.
#[derive(Debug)]
pub(crate) struct Message {
    what: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self::Error(Message {
            what: what.to_string(),
            hint: None,
        })
    }

    /// A failure from an error of one of the libraries, its sources included.
    pub(crate) fn from_error(error: impl Into<anyhow::Error>) -> Self {
        Self::new(chain(&error.into()))
    }

    /// The same with the hint that the error itself has.
    pub(crate) fn hinted<E: Into<anyhow::Error>>(
        error: E,
        hint: impl FnOnce(&E) -> Option<&'static str>,
    ) -> Self {
        let hint = hint(&error).map(str::to_owned);
        Self::from_error(error).hint(hint)
    }

    /// The failure, with what to do about it. The first hint stays.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        if let Self::Error(message) = &mut self {
            message.hint = message.hint.take().or(hint.into());
        }
        self
    }

    /// Writing to stdout did not succeed.
    pub(crate) fn output(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::new(format_args!("cannot write to stdout: {error}")),
        }
    }

    /// Tells the user on stderr, and gives the code to exit with.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Error(Message { what, hint }) => {
                tell!("{ERROR}error:{ERROR:#} {what}");
                if let Some(hint) = hint {
                    tell!("{HINT}hint:{HINT:#} {hint}");
                }
                ExitCode::FAILURE
            }
            Self::Interrupted(signal) => {
                tell!("{ERROR}interrupted{ERROR:#}");
                ExitCode::from(128u8.saturating_add(u8::try_from(*signal).unwrap_or(0)))
            }
            Self::LimitExceeded => ExitCode::from(3),
            Self::Status(status) => ExitCode::from(*status),
            Self::OutputClosed => ExitCode::SUCCESS,
        }
    }
}

/// An error and its sources on one line. Sources that the error itself already quotes
/// are left out.
fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for source in error.chain().skip(1) {
        let source = source.to_string();
        if !text.contains(&source) {
            text = format!("{text}: {source}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read it: {0}")]
    struct Quoting(#[source] Error);

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read it")]
    struct Silent(#[source] Error);

    fn text(failure: Failure) -> String {
        match failure {
            Failure::Error(message) => message.what,
            other => panic!("not an error: {other:?}"),
        }
    }

    #[test]
    fn every_cause_is_told_once() {
        let quoting = Failure::from_error(Quoting(Error::other("disk on fire")));
        assert_eq!(text(quoting), "cannot read it: disk on fire");
        let silent = Failure::from_error(Silent(Error::other("disk on fire")));
        assert_eq!(text(silent), "cannot read it: disk on fire");
    }

    #[test]
    fn a_closed_output_is_not_an_error() {
        let closed = Failure::output(ErrorKind::BrokenPipe.into());
        assert!(matches!(closed, Failure::OutputClosed));
        let full = Failure::output(ErrorKind::StorageFull.into());
        assert!(text(full).starts_with("cannot write to stdout: "));
    }
}
