//! From a core file to a snapshot.

use super::error::CaptureError;
use super::interpreter::Interpreter;
use super::memory::{self, Ask, Counted};
use super::regions::Regions;
use super::{Extras, now, walk, walk_options};
use crate::progress::Progress;
use exuvia_snapshot::{Capture, CaptureMode, Diagnostic, MemoryFacts, Snapshot, ValuesKept};
use exuvia_tracee::{CAllocator, CoreFile, LocateError, MappedFiles, MissingFile, Places};
use std::path::Path;
use std::time::{Instant, UNIX_EPOCH};

/// How much of a process was resident its core does not tell: pages that never existed are
/// zeros in it.
const UNKNOWN: u64 = 0;
/// Files that a diagnostic names.
const NAMED: usize = 5;

/// Captures the heap of the process of a core.
pub(crate) fn capture_core(
    path: &Path,
    places: &Places,
    values: Option<ValuesKept>,
    extras: Extras,
    progress: &Progress,
) -> Result<Snapshot, CaptureError> {
    progress.phase("opening");
    let begun = Instant::now();
    let core = CoreFile::open(path, places, progress.flag())?;
    progress.detail(&description(&core));
    let interpreter = find(&core)?;
    let regions = Regions::of_core(&core);
    let options = walk_options(values, extras);
    let mut snapshot = walk(core.memory(), &interpreter, &regions, options, progress)?;
    snapshot.mappings = memory::bare_rows(core.mappings());
    if extras.memory {
        snapshot.metadata.memory = Some(facts(&core, &interpreter, progress));
    }
    let diagnostics = &mut snapshot.metadata.diagnostics;
    diagnostics.extend(interpreter.corrections());
    diagnostics.extend(cut_off(&core));
    diagnostics.extend(missing_files(&core));
    diagnostics.extend(unproven_files(&core));
    let process = core.process();
    snapshot.metadata.process = exuvia_snapshot::Process {
        pid: process.pid.0.unsigned_abs(),
        command: process.command.split(' ').map(str::to_owned).collect(),
        executable: interpreter.executable.clone(),
        python: interpreter.layout.version.to_string(),
        flavor: interpreter.layout.flavor.to_string(),
        resident: interpreter.resident,
        started: None,
    };
    snapshot.metadata.capture = Capture {
        // The file has no other time, and nobody writes to a core later.
        time: modified(path).unwrap_or_else(now),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        mode: CaptureMode::Core,
        frozen: 0.0,
        elapsed: begun.elapsed().as_secs_f64(),
        values: values.unwrap_or(ValuesKept::None),
        layout: interpreter.layout.source.clone(),
    };
    Ok(snapshot)
}

/// What the allocators of the process held. What was in RAM a core does not tell: all that it has
/// counts.
fn facts(core: &CoreFile, interpreter: &Interpreter, progress: &Progress) -> MemoryFacts {
    let counted = Counted {
        memory: core.memory(),
        layout: &interpreter.layout,
        mappings: core.mappings(),
        stack_pointers: &core.process().stack_pointers,
        resident: &|range| memory::present(core, range),
        cancelled: &|| progress.cancelled(),
    };
    let allocator = CAllocator::find(core, core.mappings());
    counted.facts(allocator, Ask::Not("in a core nothing is called"))
}

/// The interpreter of a core. What can't be told because a file is missing is said of the
/// file.
fn find(core: &CoreFile) -> Result<Interpreter, CaptureError> {
    let image = core.python().map_err(|error| match error {
        LocateError::NotPython { .. } | LocateError::Unreadable { .. } => {
            blamed(core, None).unwrap_or_else(|| CaptureError::located(error))
        }
        error => CaptureError::located(error),
    })?;
    let file = image.file.clone();
    let executable = core.program().map_or_else(
        || core.process().name.clone(),
        |path| path.display().to_string(),
    );
    let mappings = core.mappings().clone();
    let found = Interpreter::new(image, core.memory(), mappings, executable, UNKNOWN);
    let fitted = found.and_then(|mut interpreter| {
        interpreter.fit(core.memory())?;
        Ok(interpreter)
    });
    fitted.map_err(|error| match error {
        CaptureError::Read(_)
        | CaptureError::Layout(_)
        | CaptureError::UnknownVersion
        // What could not be read looks as if it were not there.
        | CaptureError::OldVersion { .. } => {
            let (expected, missing) = core.missing();
            if missing > 0 {
                return CaptureError::CutOff { expected, missing };
            }
            blamed(core, Some(&file)).unwrap_or(error)
        }
        error => error,
    })
}

/// The missing file without which there is no answer: the interpreter's, if it is known, else
/// the program.
fn blamed(core: &CoreFile, interpreter: Option<&Path>) -> Option<CaptureError> {
    let is_it = |missing: &MissingFile| match interpreter {
        Some(file) => missing.path == file,
        None => missing.is_program || is_python_library(&missing.path),
    };
    // A library that is called Python comes first: the program is then only a launcher.
    let mut missing: Vec<_> = core.missing_files().filter(is_it).collect();
    missing.sort_by_key(|file| !is_python_library(&file.path));
    let file = missing.into_iter().next()?;
    Some(CaptureError::MissingFile(Box::new(file)))
}

fn is_python_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("libpython")
}

/// `process 4242 (python3 app.py), 8 threads, ended by signal 6`.
fn description(core: &CoreFile) -> String {
    let process = core.process();
    let threads = crate::views::counted(process.threads.len() as u64, "thread");
    let end = match process.signal {
        0 => String::new(),
        signal => format!(", ended by signal {signal}"),
    };
    format!(
        "the core of process {} ({}), {threads}{end}",
        process.pid, process.command
    )
}

fn cut_off(core: &CoreFile) -> Option<Diagnostic> {
    let (expected, missing) = core.missing();
    (missing > 0).then(|| Diagnostic {
        code: "core-cut-off".to_owned(),
        message: format!(
            "the core is cut off: it lacks {missing} of {expected} bytes of memory, and the \
             objects there"
        ),
        count: 1,
        examples: Vec::new(),
    })
}

fn missing_files(core: &CoreFile) -> Option<Diagnostic> {
    let missing: Vec<_> = core.missing_files().map(|file| file.to_string()).collect();
    files_diagnostic(
        "core-file-missing",
        "program or library of the core is missing, and what it describes with it",
        "programs and libraries of the core are missing, and what they describe with them",
        missing,
    )
}

fn unproven_files(core: &CoreFile) -> Option<Diagnostic> {
    let unproven = core.unproven_files();
    let unproven: Vec<_> = unproven.map(|path| path.display().to_string()).collect();
    files_diagnostic(
        "core-file-unproven",
        "file was taken for the one that was mapped, which the core gives no means to check",
        "files were taken for those that were mapped, which the core gives no means to check",
        unproven,
    )
}

fn files_diagnostic(
    code: &str,
    one: &str,
    several: &str,
    mut files: Vec<String>,
) -> Option<Diagnostic> {
    let count = files.len();
    files.truncate(NAMED);
    let more = if count > NAMED { ", \u{2026}" } else { "" };
    let what = if count == 1 { one } else { several };
    (count > 0).then(|| Diagnostic {
        code: code.to_owned(),
        message: format!("{count} {what} ({}{more})", files.join(", ")),
        count: count as u64,
        examples: files,
    })
}

fn modified(path: &Path) -> Option<f64> {
    let time = path.metadata().ok()?.modified().ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}
