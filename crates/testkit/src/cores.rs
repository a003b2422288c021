//! Core files of processes: by the kernel, by gdb, and by a writer of this crate, which works
//! where neither is to be had and leaves out what a test wants to be left out.

use crate::signals::{as_pid, send_signal, wait_until_stopped};
use crate::{Launch, Target};
use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, Signal, prlimit};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: u64 = 4096;

/// Lets the kernel write the core of a program that is started in an empty folder, and gives
/// the core; `None` where the kernel gives cores to a program or to another folder. The
/// program is gone then.
pub fn by_kernel(launch: Launch, folder: &Path) -> Result<Option<PathBuf>> {
    by_kernel_after(launch, folder, |_| Ok(()))
}

/// The same, after something else was done with the running program.
pub fn by_kernel_after(
    launch: Launch,
    folder: &Path,
    before: impl FnOnce(&Target) -> Result<()>,
) -> Result<Option<PathBuf>> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern")?;
    if pattern.starts_with(['|', '@']) || pattern.contains('/') {
        return Ok(None);
    }
    let mut target = launch.folder(folder).start()?;
    let pid = as_pid(target.pid())?;
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    if prlimit(Some(pid), Resource::Core, unlimited).is_err() {
        return Ok(None);
    }
    before(&target)?;
    send_signal(target.pid(), Signal::ABORT)?;
    target.wait()?;
    let mut files = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let core = files.next().context("the kernel wrote no core")?;
    Ok(Some(core))
}

/// Lets gdb write a core of a process, which goes on; `None` where there is no gdb.
pub fn by_gdb(target: &Target, folder: &Path) -> Result<Option<PathBuf>> {
    let prefix = folder.join("gcore");
    let output = Command::new("gcore")
        .arg("-o")
        .args([prefix.as_os_str(), target.pid_text().as_ref()])
        .output();
    let Ok(output) = output else {
        return Ok(None);
    };
    let core = folder.join(format!("gcore.{}", target.pid_text()));
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(core.exists(), "gcore wrote no core: {said}");
    Ok(Some(core))
}

/// What a core of [`write()`] has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// What the kernel puts into one by default: memory that was written to, and the first
    /// page of programs and libraries.
    Usual,
    /// Without those first pages.
    WithoutHeaders,
    /// Everything that can be read.
    Everything,
}

/// Writes a core of a process, which stands still for it.
pub fn write(target: &Target, contents: Contents, path: &Path) -> Result<()> {
    write_of(target.pid(), contents, path)
}

/// The same of any child of this process.
pub fn write_of(pid: u32, contents: Contents, path: &Path) -> Result<()> {
    send_signal(pid, Signal::STOP)?;
    wait_until_stopped(pid)?;
    let written = write_stopped(pid, contents, path);
    send_signal(pid, Signal::CONT)?;
    written
}

/// A mapping of the process.
struct Area {
    start: u64,
    end: u64,
    flags: u32,
    offset: u64,
    file: Option<String>,
    /// Bytes from the start on that go into the core.
    kept: u64,
}

fn write_stopped(pid: u32, contents: Contents, path: &Path) -> Result<()> {
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let areas = areas(pid, &memory, contents)?;
    let notes = notes(pid, &areas)?;
    let count = areas.len() + 1;
    let notes_at = 64 + count as u64 * 56;
    let data_at = (notes_at + notes.len() as u64).next_multiple_of(PAGE);

    let mut head = Vec::new();
    head.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    head.extend(4u16.to_le_bytes());
    let machine: u16 = if cfg!(target_arch = "aarch64") {
        183
    } else {
        62
    };
    head.extend(machine.to_le_bytes());
    head.extend(1u32.to_le_bytes());
    for word in [0, 64, 0u64] {
        head.extend(word.to_le_bytes());
    }
    head.extend(0u32.to_le_bytes());
    for half in [64, 56, u16::try_from(count)?, 0, 0, 0] {
        head.extend(half.to_le_bytes());
    }
    program_header(&mut head, [4, 4], [notes_at, 0, notes.len() as u64, 0]);
    let mut at = data_at;
    for area in &areas {
        let sizes = [at, area.start, area.kept, area.end - area.start];
        program_header(&mut head, [1, area.flags], sizes);
        at += area.kept;
    }
    head.extend(notes);

    let mut core = File::create(path)?;
    core.write_all(&head)?;
    let mut at = data_at;
    let mut page = [0; PAGE as usize];
    for area in &areas {
        for address in (area.start..area.start + area.kept).step_by(PAGE as usize) {
            // A page behind the end of its file stays zeros.
            if memory.read_exact_at(&mut page, address).is_ok() && page.iter().any(|&b| b != 0) {
                core.write_all_at(&page, at)?;
            }
            at += PAGE;
        }
    }
    Ok(core.set_len(at)?)
}

fn program_header(head: &mut Vec<u8>, words: [u32; 2], [offset, address, file, memory]: [u64; 4]) {
    for word in words {
        head.extend(word.to_le_bytes());
    }
    for long in [offset, address, 0, file, memory, PAGE] {
        head.extend(long.to_le_bytes());
    }
}

/// The mappings, from `/proc/PID/smaps`.
fn areas(pid: u32, memory: &File, contents: Contents) -> Result<Vec<Area>> {
    let mut areas: Vec<Area> = Vec::new();
    for line in fs::read_to_string(format!("/proc/{pid}/smaps"))?.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if let [range, permissions, offset, _, inode, path @ ..] = &words[..]
            && let Some((start, end)) = range.split_once('-')
        {
            let flag = |letter, flag| u32::from(permissions.contains(letter)) * flag;
            let is_file = *inode != "0";
            areas.push(Area {
                start: u64::from_str_radix(start, 16)?,
                end: u64::from_str_radix(end, 16)?,
                flags: flag('r', 4) | flag('w', 2) | flag('x', 1),
                offset: u64::from_str_radix(offset, 16)?,
                file: is_file.then(|| path.join(" ")),
                kept: 0,
            });
        } else if let ["Anonymous:", size, ..] = &words[..]
            && let Some(area) = areas.last_mut()
            && (size != &"0" || contents == Contents::Everything)
        {
            // Something in it is no longer as in the file, or there is no file.
            area.kept = area.end - area.start;
        }
    }
    // Above the addresses of programs lies a page of the kernel, which can't be read.
    areas.retain(|area| area.start < 1 << 63);
    for area in &mut areas {
        let mut magic = [0; 4];
        let is_readable = memory.read_exact_at(&mut magic, area.start).is_ok();
        if !is_readable {
            area.kept = 0;
        } else if area.kept == 0
            && area.file.is_some()
            && area.offset == 0
            && magic == *b"\x7fELF"
            && contents == Contents::Usual
        {
            area.kept = PAGE;
        }
    }
    Ok(areas)
}

fn notes(pid: u32, areas: &[Area]) -> Result<Vec<u8>> {
    let mut notes = Vec::new();
    let mut program = [0; 136];
    program[24..28].copy_from_slice(&pid.to_le_bytes());
    let name = fs::read(format!("/proc/{pid}/comm"))?;
    let name = name.trim_ascii_end();
    program[40..40 + name.len()].copy_from_slice(name);
    let mut command = fs::read(format!("/proc/{pid}/cmdline"))?;
    command.truncate(79);
    for (place, byte) in program[56..].iter_mut().zip(command) {
        *place = if byte == 0 { b' ' } else { byte };
    }
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let mut thread = [0; 336];
        let tid: u32 = task?.file_name().to_string_lossy().parse()?;
        thread[32..36].copy_from_slice(&tid.to_le_bytes());
        note(&mut notes, 1, &thread);
    }
    note(&mut notes, 3, &program);
    note(&mut notes, 6, &fs::read(format!("/proc/{pid}/auxv"))?);
    let files = || {
        areas
            .iter()
            .filter_map(|area| Some((area, area.file.as_ref()?)))
    };
    let mut table = Vec::new();
    table.extend((files().count() as u64).to_le_bytes());
    table.extend(PAGE.to_le_bytes());
    for (area, _) in files() {
        for long in [area.start, area.end, area.offset / PAGE] {
            table.extend(long.to_le_bytes());
        }
    }
    for (_, name) in files() {
        table.extend(name.as_bytes());
        table.push(0);
    }
    note(&mut notes, 0x4649_4c45, &table);
    Ok(notes)
}

fn note(notes: &mut Vec<u8>, kind: u32, bytes: &[u8]) {
    for word in [5, bytes.len() as u32, kind] {
        notes.extend(word.to_le_bytes());
    }
    notes.extend(b"CORE\0\0\0\0");
    notes.extend(bytes);
    notes.resize(notes.len().next_multiple_of(4), 0);
}
