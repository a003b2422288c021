//! What a command looks at: a running process or a snapshot.

use crate::capture::{self, CaptureOptions, Mode};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::progress::Progress;
use exuvia_query::Heap;
use exuvia_snapshot::{Snapshot, ValuesKept};
use std::ffi::OsStr;
use std::path::Path;

/// The heap of a TARGET: a running process is captured, a snapshot opened.
pub(crate) fn load(
    text: &OsStr,
    values: Option<ValuesKept>,
    interrupts: &Interrupts,
) -> Result<Heap, Failure> {
    let snapshot = match Target::parse(text)? {
        Target::Process(pid) => {
            let mode = Mode::Clone;
            capture(pid, &CaptureOptions { mode, values }, interrupts)?
        }
        Target::Snapshot(path) => exuvia_snapshot::open(path).map_err(|error| {
            let hint = error.hint().map(str::to_owned);
            Failure::from_error(error).hint(hint)
        })?,
    };
    warn(&snapshot);
    Ok(Heap::new(snapshot))
}

/// The heap of a process. A signal that arrives meanwhile waits until the process runs on.
pub(crate) fn capture(
    pid: i32,
    options: &CaptureOptions,
    interrupts: &Interrupts,
) -> Result<Snapshot, Failure> {
    let deferred = interrupts.defer();
    let progress = Progress::new(interrupts.clone());
    let captured = capture::capture(pid, options, &progress);
    progress.finish();
    drop(deferred);
    // Whatever a cancelled capture says, the signal is the reason.
    interrupts.check()?;
    captured.map_err(|error| {
        let hint = error.hint();
        Failure::from_error(error).hint(hint)
    })
}

/// A PID from the command line.
pub(crate) fn pid(text: &OsStr) -> Result<i32, Failure> {
    match Target::parse(text)? {
        Target::Process(pid) => Ok(pid),
        Target::Snapshot(path) => Err(Failure::new(format_args!(
            "{} is a snapshot, not a process",
            path.display()
        ))
        .hint("`exuvia ps` lists running Pythons".to_owned())),
    }
}

/// Says on stderr what a capture did not get.
pub(crate) fn warn(snapshot: &Snapshot) {
    for diagnostic in &snapshot.metadata.diagnostics {
        let message = &diagnostic.message;
        match diagnostic.count {
            0 | 1 => anstream::eprintln!("warning: {message}"),
            // Some say it in the sentence.
            count if message.contains(&count.to_string()) => {
                anstream::eprintln!("warning: {message}");
            }
            count => anstream::eprintln!("warning: {message} ({count} times)"),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Target<'a> {
    Process(i32),
    Snapshot(&'a Path),
}

impl<'a> Target<'a> {
    /// Digits are a PID, everything else is the path of a snapshot.
    fn parse(text: &'a OsStr) -> Result<Self, Failure> {
        let digits = text
            .to_str()
            .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some(digits) = digits {
            return match digits.parse() {
                Ok(pid) => Ok(Self::Process(pid)),
                Err(_) => Err(
                    Failure::new(format_args!("{digits} is too large for a PID"))
                        .hint(LIST.to_owned()),
                ),
            };
        }
        let path = Path::new(text);
        if path
            .symlink_metadata()
            .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
        {
            return Err(Failure::new(format_args!(
                "'{}' is neither a PID nor a snapshot: nothing of that name exists",
                path.display()
            ))
            .hint(LIST.to_owned()));
        }
        Ok(Self::Snapshot(path))
    }
}

const LIST: &str = "`exuvia ps` lists running Pythons; `exuvia dump PID` makes a snapshot";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Target<'_>> {
        Target::parse(OsStr::new(text)).ok()
    }

    #[test]
    fn digits_are_a_pid_and_paths_are_snapshots() {
        assert_eq!(parse("4242"), Some(Target::Process(4242)));
        assert_eq!(parse("/"), Some(Target::Snapshot(Path::new("/"))));
        assert_eq!(parse("4294967296"), None);
        assert_eq!(parse("/no/such/thing"), None);
        assert_eq!(parse(""), None);
    }
}
