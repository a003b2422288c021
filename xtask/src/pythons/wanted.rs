use super::Failure;
use exuvia_testkit::{Interpreter, Origin, is_root};
use std::fmt;

/// An interpreter that tests should run in, and did not.
#[derive(Debug)]
pub(crate) struct Missing {
    /// Which one.
    pub(crate) what: String,
    /// Why it could not be had.
    pub(crate) why: String,
}

/// An interpreter that tests should run in.
struct Wanted {
    from: From,
    minor: u32,
    debug: bool,
    free_threaded: bool,
}

/// Where it comes from.
#[derive(Clone, Copy)]
enum From {
    Pyenv,
    /// A folder that this task makes.
    Folder(&'static str),
}

const ALL: &[Wanted] = &[
    wanted(From::Pyenv, 8),
    wanted(From::Pyenv, 9),
    wanted(From::Pyenv, 10),
    wanted(From::Pyenv, 11),
    wanted(From::Pyenv, 12),
    wanted(From::Pyenv, 13),
    wanted(From::Folder("debian-bullseye"), 9),
    wanted(From::Folder("debian-trixie"), 13),
    wanted(From::Folder("debian-sid"), 13),
    wanted(From::Folder("debian-sid"), 14),
    wanted(From::Folder("debian-sid"), 15),
    debug("debian-sid", 13),
    debug("debian-sid", 14),
    debug("debian-sid", 15),
    Wanted {
        free_threaded: true,
        ..wanted(From::Folder("cpython-3.13t"), 13)
    },
    wanted(From::Folder("cpython-3.13-musl"), 13),
];

const fn wanted(from: From, minor: u32) -> Wanted {
    Wanted {
        from,
        minor,
        debug: false,
        free_threaded: false,
    }
}

const fn debug(folder: &'static str, minor: u32) -> Wanted {
    Wanted {
        debug: true,
        ..wanted(From::Folder(folder), minor)
    }
}

/// What is wanted and was not found, and why.
pub(super) fn missing(found: &[Interpreter], failures: &[Failure]) -> Vec<Missing> {
    let absent = ALL
        .iter()
        .filter(|wanted| !found.iter().any(|interpreter| wanted.is(interpreter)));
    let mut missing: Vec<_> = absent
        .map(|wanted| Missing {
            what: wanted.to_string(),
            why: wanted.reason(failures),
        })
        .collect();
    let is_system = |interpreter: &Interpreter| matches!(interpreter.origin(), Origin::System(_));
    if !found.iter().any(is_system) {
        missing.push(Missing {
            what: "the system's Python".to_owned(),
            why: "there is none".to_owned(),
        });
    }
    missing
}

impl Wanted {
    fn is(&self, interpreter: &Interpreter) -> bool {
        let (major, minor, _) = interpreter.version;
        let from = match (self.from, interpreter.origin()) {
            (From::Pyenv, Origin::Pyenv) => true,
            (From::Folder(wanted), Origin::Gathered(folder)) => wanted == folder,
            _ => false,
        };
        from && (major, minor) == (3, self.minor)
            && interpreter.implementation == "cpython"
            && interpreter.debug == self.debug
            && interpreter.free_threaded == self.free_threaded
    }

    fn reason(&self, failures: &[Failure]) -> String {
        match self.from {
            From::Pyenv => "it is not installed".to_owned(),
            From::Folder(folder) if folder.starts_with("debian-") && !is_root() => {
                "only root can start what lives in a root".to_owned()
            }
            From::Folder(folder) => {
                let failure = failures.iter().find(|failure| failure.folder == folder);
                failure.map_or_else(
                    || format!("{folder} does not have it"),
                    |failure| failure.reason.lines().next().unwrap_or_default().to_owned(),
                )
            }
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flavor = if self.free_threaded { "t" } else { "" };
        let debug = if self.debug { " debug" } else { "" };
        let from = match self.from {
            From::Pyenv => "pyenv",
            From::Folder(folder) => folder,
        };
        write!(f, "CPython 3.{}{flavor}{debug} ({from})", self.minor)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}
