use std::path::Path;
use std::time::Duration;

use crate::python::{is_python_name, version_in_path};
use crate::symbols::{Image, file_name, images};
use crate::{AttachFacts, Linking, Mappings, Obstacle, Pid, Process, PythonImage};

/// A process that looks like Python, by the names of its files or the symbols of its program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PythonProcess {
    /// Its number.
    pub pid: Pid,
    /// How the interpreter is linked, where its memory map may be seen.
    pub linking: Option<Linking>,
    /// Major and minor version, from names of files.
    pub version_hint: Option<(u8, u8)>,
    /// Bytes in RAM.
    pub resident: u64,
    /// How long it has been running.
    pub uptime: Duration,
    /// Its command line.
    pub command: String,
    /// Whether it can be attached to, found out without attaching.
    pub attachable: Result<(), Obstacle>,
}

/// All processes that look like Python, by number. Those whose files may not be seen are
/// judged by their names.
pub fn list_processes() -> Vec<PythonProcess> {
    let Ok(directory) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let names = directory.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut pids: Vec<i32> = names.filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    let processes = pids
        .into_iter()
        .filter_map(|pid| Process::open(Pid(pid)).ok());
    processes.filter_map(|process| examine(&process)).collect()
}

fn examine(process: &Process) -> Option<PythonProcess> {
    let (linking, version_hint) = match interpreter(process) {
        Some((linking, version)) => (Some(linking), version),
        None if !may_be_seen(process) && is_python_name(&process.name()) => (None, None),
        None => return None,
    };
    Some(PythonProcess {
        pid: process.pid(),
        linking,
        version_hint,
        resident: process.resident_bytes(),
        uptime: process.uptime(),
        command: process.command(),
        attachable: AttachFacts::of(process).verdict(),
    })
}

fn interpreter(process: &Process) -> Option<(Linking, Option<(u8, u8)>)> {
    let mappings = Mappings::read(process.pid()).ok()?;
    let paths = || {
        mappings
            .iter()
            .filter(|m| m.is_file())
            .filter_map(|m| m.path.as_deref())
    };
    let is_python = |path: &&Path| is_python_name(&file_name(path));
    let library = |path: &&Path| is_python(path) && file_name(path).starts_with("lib");
    let executable = process.executable().ok();
    let (linking, file) = match paths().find(library) {
        Some(library) => (Linking::Shared, library),
        None => {
            let executable = executable.as_deref()?;
            if !is_python(&executable) && !has_runtime(process, &mappings) {
                return None;
            }
            (Linking::Static, executable)
        }
    };
    let version = version_in_path(file).or_else(|| paths().find_map(version_in_path));
    Some((linking, version))
}

/// Whether a program of another name has an interpreter inside.
fn has_runtime(process: &Process, mappings: &Mappings) -> bool {
    let images = images(process, mappings);
    let program = images.first().filter(|image| image.is_executable);
    program
        .and_then(Image::open)
        .is_some_and(|elf| PythonImage::is_in(&elf))
}

fn may_be_seen(process: &Process) -> bool {
    process.executable().is_ok()
}
