//! What a command looks at: a running process, a core file or a snapshot.

use crate::arguments::{CoreArguments, TargetArguments};
use crate::capture::{self, CaptureError, CaptureOptions, Extras, Mode};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::kept::BesideSnapshot;
use crate::progress::Progress;
use exuvia_query::Heap;
use exuvia_snapshot::{Metadata, OpenError, Overview, Snapshot, ValuesKept};
use exuvia_tracee::Places;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The heap of a TARGET: a running process or a core is captured, a snapshot opened.
pub(crate) fn load(
    target: &TargetArguments,
    values: Option<ValuesKept>,
    interrupts: &Interrupts,
) -> Result<Heap, Failure> {
    load_with(target, values, Extras::default(), interrupts)
}

/// Like [`load`]; a capture finds out what only some questions need as well.
pub(crate) fn load_with(
    target: &TargetArguments,
    values: Option<ValuesKept>,
    extras: Extras,
    interrupts: &Interrupts,
) -> Result<Heap, Failure> {
    let native = target.native.native();
    load_parts(
        &target.target,
        &target.core,
        native,
        values,
        extras,
        interrupts,
    )
}

/// The same from its parts: the text of TARGET, where the files of a core are, and whether
/// code of extension types may be called.
pub(crate) fn load_from(
    target: &OsStr,
    core: &CoreArguments,
    native: bool,
    values: Option<ValuesKept>,
    interrupts: &Interrupts,
) -> Result<Heap, Failure> {
    load_parts(target, core, native, values, Extras::default(), interrupts)
}

fn load_parts(
    target: &OsStr,
    core: &CoreArguments,
    native: bool,
    values: Option<ValuesKept>,
    extras: Extras,
    interrupts: &Interrupts,
) -> Result<Heap, Failure> {
    match Target::parse(target)? {
        Target::Snapshot(path) => {
            for_cores_only(core)?;
            let progress = Progress::new(interrupts.clone());
            progress.phase("opening");
            let snapshot = exuvia_snapshot::open(path).map_err(not_opened)?;
            progress.phase("answering");
            progress.finish();
            warn(&snapshot.metadata);
            let store = BesideSnapshot(path.to_owned());
            Ok(Heap::with_store(snapshot, Box::new(store)))
        }
        Target::Process(_) | Target::Core(_) => {
            let mode = Mode::Clone;
            let options = CaptureOptions {
                mode,
                values,
                native,
                in_background: false,
                extras,
            };
            let snapshot = Source::parse(target, core)?.capture(&options, interrupts)?;
            warn(&snapshot.metadata);
            Ok(Heap::new(snapshot))
        }
    }
}

/// The table by kind that is kept beside a snapshot, if TARGET is one and there is one. What is
/// wrong with the snapshot is found out by [`load`], which reads all of it.
pub(crate) fn overview(target: &TargetArguments) -> Result<Option<Overview>, Failure> {
    let Target::Snapshot(path) = Target::parse(&target.target)? else {
        return Ok(None);
    };
    for_cores_only(&target.core)?;
    let overview = exuvia_snapshot::kept_overview(path).ok().flatten();
    if let Some(overview) = &overview {
        warn(&overview.metadata);
    }
    Ok(overview)
}

fn not_opened(error: OpenError) -> Failure {
    Failure::hinted(error, OpenError::hint)
}

/// Whether a TARGET is a core file.
pub(crate) fn is_core(target: &OsStr) -> bool {
    matches!(Target::parse(target), Ok(Target::Core(_)))
}

/// What can be captured.
#[derive(Debug)]
pub(crate) enum Source {
    /// A running process.
    Process(i32),
    /// A core file.
    Core {
        /// The file.
        path: PathBuf,
        /// Where its process's files are.
        places: Places,
    },
}

impl Source {
    /// From the command line.
    pub(crate) fn parse(text: &OsStr, core: &CoreArguments) -> Result<Self, Failure> {
        match Target::parse(text)? {
            Target::Process(pid) => {
                for_cores_only(core)?;
                Ok(Self::Process(pid))
            }
            Target::Core(path) => Ok(Self::Core {
                path: path.to_path_buf(),
                places: places(core)?,
            }),
            Target::Snapshot(path) => Err(Failure::new(format_args!(
                "{} is a snapshot, not a process or core file",
                path.display()
            ))
            .hint("`exuvia ps` lists running Pythons".to_owned())),
        }
    }

    /// The heap of it.
    pub(crate) fn capture(
        &self,
        options: &CaptureOptions,
        interrupts: &Interrupts,
    ) -> Result<Snapshot, Failure> {
        match self {
            Self::Process(pid) => capture(*pid, options, interrupts),
            Self::Core { .. } if options.mode == Mode::Stop => {
                Err(Failure::new("--mode is for processes: a core does not run")
                    .hint("leave `--mode` out".to_owned()))
            }
            Self::Core { path, places } => uninterrupted(interrupts, |progress| {
                capture::capture_core(path, places, options.values, options.extras, progress)
            }),
        }
    }
}

/// The heap of a process.
pub(crate) fn capture(
    pid: i32,
    options: &CaptureOptions,
    interrupts: &Interrupts,
) -> Result<Snapshot, Failure> {
    uninterrupted(interrupts, |progress| {
        capture::capture(pid, options, progress)
    })
}

/// A capture during which a signal waits until the process runs on.
fn uninterrupted(
    interrupts: &Interrupts,
    capture: impl FnOnce(&Progress) -> Result<Snapshot, CaptureError>,
) -> Result<Snapshot, Failure> {
    let deferred = interrupts.defer();
    let progress = Progress::new(interrupts.clone());
    let captured = capture(&progress);
    progress.finish();
    drop(deferred);
    // Whatever a cancelled capture says, the signal is the reason.
    interrupts.check()?;
    captured.map_err(CaptureError::into_failure)
}

/// Refuses `--exe` and `--sysroot` where they would be ignored.
fn for_cores_only(core: &CoreArguments) -> Result<(), Failure> {
    if core.places() == Places::default() {
        return Ok(());
    }
    Err(Failure::new("--exe and --sysroot are for core files only")
        .hint("leave them out, or name a core file as TARGET".to_owned()))
}

/// Where the files of a core are, as far as that was said and can be.
fn places(core: &CoreArguments) -> Result<Places, Failure> {
    let places = core.places();
    match &places.sysroot {
        Some(sysroot) if !sysroot.is_dir() => Err(Failure::new(format_args!(
            "{} is no directory",
            sysroot.display()
        ))
        .hint("--sysroot takes the root of the files of a machine or container".to_owned())),
        _ => Ok(places),
    }
}

/// Says on stderr what a capture did not get.
pub(crate) fn warn(metadata: &Metadata) {
    for diagnostic in &metadata.diagnostics {
        let message = &diagnostic.message;
        match diagnostic.count {
            0 | 1 => tell!("warning: {message}"),
            // Some say it in the sentence.
            count if message.contains(&count.to_string()) => {
                tell!("warning: {message}");
            }
            count => tell!("warning: {message} ({count} times)"),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Target<'a> {
    Process(i32),
    Snapshot(&'a Path),
    Core(&'a Path),
}

impl<'a> Target<'a> {
    /// Digits are a PID, a path to a file is that of a core, everything else that of a
    /// snapshot.
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
                "'{}' is neither a PID nor a path: nothing of that name exists",
                path.display()
            ))
            .hint(LIST.to_owned()));
        }
        if path.is_file() {
            return Ok(Self::Core(path));
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
    fn digits_are_a_pid_files_are_cores_and_directories_are_snapshots() {
        assert_eq!(parse("4242"), Some(Target::Process(4242)));
        assert_eq!(parse("/"), Some(Target::Snapshot(Path::new("/"))));
        let file = "/proc/self/exe";
        assert_eq!(parse(file), Some(Target::Core(Path::new(file))));
        assert_eq!(parse("4294967296"), None);
        assert_eq!(parse("/no/such/thing"), None);
        assert_eq!(parse(""), None);
    }
}
