//! What `exuvia exec --json` prints.

use exuvia_inject::{Exception, Outcome, Session, SessionError, Stream};
use serde::Serialize;
use std::borrow::Cow;
use std::time::Duration;

/// More of each stream is left out of the document, which must fit into memory.
const MOST_OUTPUT: usize = 64 << 20;

/// What stands in place of the type of an exception where there is none. No class has such a name.
const COPY_ENDED: &str = "copy-ended";
const CONNECTION_LOST: &str = "connection-lost";
const NO_REACTION: &str = "no-reaction";

/// What the code printed, for the document.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    truncated: bool,
}

/// How the code ended.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    /// What the server said, or why it said nothing.
    pub(crate) outcome: Result<&'a Outcome, &'a SessionError>,
    /// Whether it took too long.
    pub(crate) timed_out: bool,
    /// The exit status of the command.
    pub(crate) status: u8,
    /// How long it ran.
    pub(crate) elapsed: Duration,
    /// What becomes of code that does not react to interrupts.
    pub(crate) left: &'a str,
}

/// The document.
#[derive(Debug, Serialize)]
pub(crate) struct ExecDocument<'a> {
    format: &'static str,
    ok: bool,
    status: u8,
    timed_out: bool,
    stdout: String,
    stderr: String,
    truncated: bool,
    error: Option<Error<'a>>,
    /// Seconds.
    elapsed: f64,
    /// The interpreter's version.
    python: &'a str,
    way: &'a str,
    /// Seconds.
    stopped: f64,
}

#[derive(Debug, Serialize)]
struct Error<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: Cow<'a, str>,
    traceback: &'a str,
}

impl Recorded {
    /// Keeps more output.
    pub(crate) fn add(&mut self, stream: Stream, bytes: &[u8]) {
        let kept = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let room = MOST_OUTPUT - kept.len();
        self.truncated |= bytes.len() > room;
        kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

impl<'a> ExecDocument<'a> {
    /// All about one run.
    pub(crate) fn new(session: &'a Session, recorded: &Recorded, ended: &Ended<'a>) -> Self {
        let error = match ended.outcome {
            Ok(Outcome::Raised(exception)) => Some(Error::of(exception)),
            Ok(Outcome::Done | Outcome::Exit(_)) => None,
            Err(SessionError::Left) => {
                Some(Error::without_traceback(NO_REACTION, ended.left.into()))
            }
            Err(error @ SessionError::Ended(_)) => Some(Error::without_traceback(
                COPY_ENDED,
                error.to_string().into(),
            )),
            Err(error) => Some(Error::without_traceback(
                CONNECTION_LOST,
                error.to_string().into(),
            )),
        };
        Self {
            format: "exuvia-exec/1",
            ok: matches!(ended.outcome, Ok(Outcome::Done | Outcome::Exit(0))),
            status: ended.status,
            timed_out: ended.timed_out,
            stdout: String::from_utf8_lossy(&recorded.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&recorded.stderr).into_owned(),
            truncated: recorded.truncated,
            error,
            elapsed: ended.elapsed.as_secs_f64(),
            python: &session.hello().version,
            way: session.way(),
            stopped: session.stopped().as_secs_f64(),
        }
    }
}

impl<'a> Error<'a> {
    fn of(exception: &'a Exception) -> Self {
        Self {
            kind: &exception.kind,
            message: exception.message.as_str().into(),
            traceback: &exception.traceback,
        }
    }

    fn without_traceback(kind: &'static str, message: Cow<'a, str>) -> Self {
        Self {
            kind,
            message,
            traceback: "",
        }
    }
}
