use crate::arguments::DumpArguments;
use crate::capture::{CaptureOptions, Extras};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::output;
use crate::progress::Progress;
use crate::target::{self, Source};
use crate::views::units;
use exuvia_snapshot::{CaptureMode, Snapshot, WriteError};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Writes a snapshot of a process or core.
pub(super) fn run(arguments: &DumpArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    let source = Source::parse(&arguments.target, &arguments.core)?;
    let path = match &arguments.output {
        Some(path) => path.clone(),
        None => default_name(&source),
    };
    // The process shall not stand still for a snapshot that can't be written.
    check_destination(&path).map_err(not_written)?;

    let options = CaptureOptions {
        mode: arguments.mode(),
        values: Some(arguments.values()),
        native: arguments.native.native(),
        in_background: false,
        extras: Extras {
            memory: true,
            digests: true,
        },
    };
    let snapshot = source.capture(&options, interrupts)?;
    target::warn(&snapshot.metadata);
    let bytes = write(&snapshot, &path, interrupts)?;
    report(&snapshot, &path, bytes)
}

fn default_name(source: &Source) -> PathBuf {
    let time = chrono::Utc::now().format("%Y%m%d-%H%M%S");
    let mut name = match source {
        Source::Process(pid) => OsString::from(format!("python-{pid}")),
        Source::Core { path, .. } => path.file_name().unwrap_or_default().to_owned(),
    };
    name.push(format!("-{time}.exuvia"));
    PathBuf::from(name)
}

/// Finds out early what writing would find out late.
fn check_destination(path: &Path) -> Result<(), WriteError> {
    match path.symlink_metadata() {
        Ok(_) => {
            return Err(WriteError::Exists {
                path: path.to_owned(),
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => {
            return Err(WriteError::Io {
                path: path.to_owned(),
                source,
            });
        }
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => {
            return Err(WriteError::NoName {
                path: path.to_owned(),
            });
        }
    };
    // Nothing but trying tells for certain whether a directory can be made there.
    let probe = tempfile::Builder::new()
        .prefix(".exuvia-")
        .tempdir_in(parent);
    probe
        .and_then(tempfile::TempDir::close)
        .map_err(|source| WriteError::Io {
            path: parent.to_owned(),
            source,
        })
}

/// Writes the snapshot; a signal that arrives meanwhile leaves nothing of it.
pub(super) fn write(
    snapshot: &Snapshot,
    path: &Path,
    interrupts: &Interrupts,
) -> Result<u64, Failure> {
    let deferred = interrupts.defer();
    let progress = Progress::new(interrupts.clone());
    progress.phase("writing");
    progress.expect(snapshot.metadata.counts.objects);
    let cancelled = || progress.cancelled();
    let written = exuvia_snapshot::write(snapshot, path, &cancelled, &|done| progress.share(done));
    progress.finish();
    drop(deferred);
    match written {
        Err(WriteError::Cancelled) => {
            interrupts.check()?;
            Err(not_written(WriteError::Cancelled))
        }
        other => other.map_err(not_written),
    }
}

fn not_written(error: WriteError) -> Failure {
    Failure::hinted(error, WriteError::hint)
}

fn report(snapshot: &Snapshot, path: &Path, bytes: u64) -> Result<(), Failure> {
    let metadata = &snapshot.metadata;
    let counts = &metadata.counts;
    let frozen = units::seconds(metadata.capture.frozen);
    let whole = units::seconds(metadata.capture.elapsed);
    let first = match metadata.capture.mode {
        CaptureMode::Clone => format!("frozen      {frozen} (a clone was read, {whole} in all)"),
        CaptureMode::Stop => {
            format!("frozen      {frozen} (read while it stood still, {whole} in all)")
        }
        CaptureMode::Core => format!("read        in {whole}, from a core"),
    };
    let per_object = bytes as f64 / counts.objects.max(1) as f64;
    output::write(|out| {
        writeln!(out, "{first}")?;
        writeln!(
            out,
            "objects     {} ({})",
            counts.objects,
            units::bytes(counts.bytes)
        )?;
        writeln!(out, "references  {}", counts.references)?;
        writeln!(
            out,
            "on disk     {} ({per_object:.1} bytes per object)",
            units::bytes(bytes)
        )?;
        writeln!(out, "snapshot    {}", path.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_name_has_pid_and_time() {
        let name = default_name(&Source::Process(4242))
            .into_os_string()
            .into_string()
            .unwrap();
        let shape: String = name
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "python-0000-00000000-000000.exuvia");
        assert!(name.starts_with("python-4242-2"));
    }

    #[test]
    fn a_destination_is_checked_without_a_trace() {
        let directory = tempfile::tempdir().unwrap();
        let new = directory.path().join("new.exuvia");
        assert!(check_destination(&new).is_ok());
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
        let exists = check_destination(directory.path());
        assert!(matches!(exists, Err(WriteError::Exists { .. })));
        let missing = check_destination(&directory.path().join("no/such"));
        assert!(matches!(missing, Err(WriteError::Io { .. })));
    }
}
