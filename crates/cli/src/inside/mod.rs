//! Code that runs in a process or in a copy of it: what `exec` and `shell` have in common.

mod attach;
mod editor;
mod hints;
mod history;
mod input;
mod keys;
mod left;
mod opening;
mod output;
mod search;
mod watch;

pub(crate) use editor::{Editor, Typed};
pub(crate) use input::Input;
pub(crate) use left::{tell_what_is_left, what_is_left};
pub(crate) use output::pass_on_watched;
pub(crate) use watch::{End, Watch};

use crate::arguments::InsideArguments;
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::progress::Progress;
use exuvia_inject::{Begin, Namespace, Place, Session, SessionError};
use exuvia_tracee::{Pid, write_to_stderr_of};
use opening::Opening;
use search::Folders;
use std::io::{self, Write};

/// What a session is for.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// The process.
    pub(crate) pid: i32,
    /// Which thread serves.
    pub(crate) place: Place,
    /// Where names are looked up.
    pub(crate) namespace: Namespace,
    /// What is announced: `shell` or `exec`.
    pub(crate) what: &'static str,
    /// The options.
    pub(crate) options: &'a InsideArguments,
}

/// Gets in, and begins.
pub(crate) fn open(wanted: &Wanted, interrupts: &Interrupts) -> Result<Session, Failure> {
    let folders = Folders::of(wanted.pid, &wanted.options.with_path)?;
    // What a copy has as its stderr leads nowhere.
    let is_own_word = wanted.options.announce && !wanted.options.clone;
    let begin = Begin {
        place: wanted.namespace.clone(),
        search: folders.paths,
        lent: folders.lent,
        announcement: is_own_word.then(|| announcement(wanted)),
    };
    let progress = Progress::new(interrupts.clone());
    progress.phase("getting in");
    let attached = attach::attach(wanted, &progress);
    progress.finish();
    // Whatever a cancelled attempt says, the signal is the reason.
    interrupts.check()?;
    let attached = attached?;
    let mut opening = Opening::of(&attached, interrupts, wanted.options.wait);
    let session = Session::open(attached, &begin, &mut opening);
    interrupts.check()?;
    let mut session = session.map_err(|error| not_opened(error, wanted.pid))?;
    if wanted.options.announce && !is_own_word {
        let line = announcement(wanted) + "\n";
        if let Err(error) = write_to_stderr_of(Pid(wanted.pid), line.as_bytes()) {
            progress.note(&format!(
                "the process's stderr does not take the line of --announce: {error}"
            ));
        }
    }
    if wanted.options.keep {
        let time = wanted.options.time;
        session.keep(time).map_err(failed)?;
        if let Some(copy) = session.copy() {
            progress.note(&format!(
                "the copy is kept for {}: `exuvia shell {copy}` returns to it, `kill {copy}` ends it",
                humantime::format_duration(time)
            ));
        }
    }
    progress.detail(&format!(
        "got in by {}; the process stood still for {:.1} ms",
        session.way(),
        session.stopped().as_secs_f64() * 1000.0
    ));
    Ok(session)
}

/// Writes output of the code at once.
pub(crate) fn pass_on(to: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

/// One line for the log of the process.
fn announcement(wanted: &Wanted) -> String {
    let uid = rustix::process::getuid().as_raw();
    let tool = std::process::id();
    let copy = if wanted.options.clone {
        " in a copy"
    } else {
        ""
    };
    format!(
        "exuvia: {}{copy} of process {}, by user {uid}, from process {tool}",
        wanted.what, wanted.pid
    )
}

/// What a user reads when a session does not begin.
fn not_opened(error: SessionError, process: i32) -> Failure {
    match error {
        SessionError::StillRuns => Failure::from_error(error).hint(format!(
            "wait longer with --wait, or `kill {process}` ends the copy"
        )),
        error => failed(error),
    }
}

/// What a user reads of an error of a session.
pub(crate) fn failed(error: SessionError) -> Failure {
    let hint = hints::hint(&error).map(str::to_owned);
    match error {
        SessionError::Output(error) => Failure::output(error),
        SessionError::Left => Failure::new("the process does not answer"),
        error => Failure::from_error(error),
    }
    .hint(hint)
}
