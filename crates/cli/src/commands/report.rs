use crate::arguments::ReportArguments;
use crate::capture::Extras;
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::report::{self, Answers};
use crate::target;
use exuvia_query::PartitionOptions;
use exuvia_snapshot::ValuesKept;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a report.
pub(super) fn run(arguments: &ReportArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    let path = &arguments.output;
    // The process shall not stand still for a report that can't be written.
    check_destination(path).map_err(|error| not_written(path, &error))?;
    let extras = Extras {
        memory: true,
        digests: false,
    };
    let values = Some(ValuesKept::Short);
    let heap = target::load_with(&arguments.target, values, extras, interrupts)?;
    // A snapshot of an older version does not tell.
    let memory = heap.memory().ok();
    let by_kind = PartitionOptions {
        retained: true,
        ..PartitionOptions::default()
    };
    let answers = Answers {
        heap: &heap,
        partition: &heap.divided(None, by_kind),
        tree: &report::tree(&heap),
        leaks: &heap.leaks(),
        memory: memory.as_ref(),
        threads: &heap.threads(true),
    };
    let page = report::page(&answers);
    write(path, &page).map_err(|error| not_written(path, &error))?;
    tell!("written: {}", path.display());
    Ok(())
}

fn check_destination(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    fs::metadata(parent.unwrap_or(Path::new("."))).map(drop)
}

/// Writes a file that is there whole or not at all, and that only this user may read: a heap
/// holds secrets. What is no file, such as `/dev/stdout`, is written to and stays what it is.
fn write(path: &Path, page: &str) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        return file.write_all(page.as_bytes());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(parent.unwrap_or(Path::new(".")))?;
    file.write_all(page.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format_args!("cannot write {}: {error}", path.display()))
        .hint("-o names a file in a directory that you may write to".to_owned())
}
