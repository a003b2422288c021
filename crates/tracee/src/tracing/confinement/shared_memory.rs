//! Taking away memory that the live process would see change: each shared mapping becomes private
//! memory with the same contents, at the same address.
//!
//! What is only mapped for reading is taken away as well where it could be made writable.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use procfs::process::{Process as ProcDirectory, VmFlags};

use super::batch::{Batch, DATA, outcome};
use crate::batch::Call;
use crate::protocol::ConfineFailure;
use crate::{Mapping, Mappings, Pid};

/// What became of shared memory, in bytes.
#[derive(Default)]
pub(super) struct Replaced {
    pub(super) copied: u64,
    /// Of files that are mapped anew.
    pub(super) mapped: u64,
    /// Of no use in the clone.
    pub(super) lost: u64,
}

/// So many bytes are copied, at most.
const COPIED: u64 = 256 << 20;
/// And mappings replaced.
const MAPPINGS: usize = 4096;
const PAGE: u64 = 4096;
/// How much is asked of the kernel at once.
const PART: u64 = DATA * PAGE;
/// How much is copied at once.
const RUN: u64 = 1 << 20;

/// Replaces all shared memory of the clone that can be written, or be made so.
pub(super) fn replace_all(clone: Pid, batch: &Batch) -> Result<Replaced, ConfineFailure> {
    let shared = shared(clone)?;
    if let Some(first) = shared.get(MAPPINGS) {
        let start = first.start.get();
        return Err(ConfineFailure::SharedMemory { start });
    }
    let mut replaced = Replaced::default();
    for mapping in &shared {
        let room = COPIED.saturating_sub(replaced.copied);
        if let Some(contents) = contents(batch, mapping, room)? {
            replace(batch, mapping, true)?;
            for (address, bytes) in &contents {
                batch.write(*address, bytes)?;
                replaced.copied += bytes.len() as u64;
            }
        } else if map_file(clone, batch, mapping)? {
            replaced.mapped += mapping.size();
        } else {
            replace(batch, mapping, false)?;
            replaced.lost += mapping.size();
        }
    }
    match self::shared(clone)?.first() {
        None => Ok(replaced),
        Some(left) => Err(ConfineFailure::SharedMemory {
            start: left.start.get(),
        }),
    }
}

fn shared(clone: Pid) -> Result<Vec<Mapping>, ConfineFailure> {
    let mappings = Mappings::read(clone).map_err(|_| ConfineFailure::Ended)?;
    let is_shared = |mapping: &&Mapping| mapping.permissions.shared;
    let mut shared: Vec<Mapping> = mappings.iter().filter(is_shared).cloned().collect();
    if shared.iter().any(|mapping| !mapping.permissions.writable) {
        let fixed = never_writable(clone);
        shared.retain(|mapping| {
            mapping.permissions.writable || !fixed.contains(&mapping.start.get())
        });
    }
    Ok(shared)
}

/// Where the mappings begin that can't be made writable.
fn never_writable(clone: Pid) -> HashSet<u64> {
    let maps = ProcDirectory::new(clone.0).and_then(|process| process.smaps());
    let maps = maps.into_iter().flat_map(|maps| maps.0);
    maps.filter(|map| {
        let flags = map.extension.vm_flags;
        // Linux tells of flags from 3.8 on; one that says nothing is not trusted.
        !flags.is_empty() && !flags.contains(VmFlags::MW)
    })
    .map(|map| map.address.0)
    .collect()
}

/// Bytes, and where they lie.
type Part = (u64, Vec<u8>);

/// What a mapping has; `None` when that is too much, or can't be read.
fn contents(
    batch: &Batch,
    mapping: &Mapping,
    room: u64,
) -> Result<Option<Vec<Part>>, ConfineFailure> {
    let is_memory = is_memory(mapping);
    let Some(existing) = existing(batch, mapping, is_memory, room)? else {
        return Ok(None);
    };
    let mut parts = Vec::new();
    for (start, length) in existing {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let read = batch.read_some(start, &mut bytes);
        bytes.truncate(read);
        let is_all = read as u64 == length;
        if is_memory && !is_all || read == 0 && parts.is_empty() {
            return Ok(None);
        }
        parts.push((start, bytes));
        // Behind the end of its file there is nothing.
        if !is_all {
            break;
        }
    }
    Ok(Some(parts))
}

/// Where there are pages, of files on a disk all: addresses and lengths. `None` when there are more
/// than there is room for.
fn existing(
    batch: &Batch,
    mapping: &Mapping,
    is_memory: bool,
    room: u64,
) -> Result<Option<Vec<(u64, u64)>>, ConfineFailure> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    let mut total = 0;
    let mut start = mapping.start.get();
    if !mapping.permissions.readable || !is_memory && mapping.size() > room {
        return Ok(None);
    }
    while start < mapping.end.get() {
        let end = mapping.end.get().min(start.saturating_add(PART));
        let resident = match is_memory {
            true => resident(batch, start, end)?,
            false => Some(vec![1; ((end - start) / PAGE) as usize]),
        };
        let Some(resident) = resident else {
            return Ok(None);
        };
        let pages = (start..end).step_by(PAGE as usize).zip(resident);
        for (page, _) in pages.filter(|(_, byte)| byte & 1 != 0) {
            total += PAGE;
            match runs.last_mut() {
                Some((start, length)) if *start + *length == page && *length < RUN => {
                    *length += PAGE;
                }
                _ => runs.push((page, PAGE)),
            }
        }
        if total > room {
            return Ok(None);
        }
        start = end;
    }
    Ok(Some(runs))
}

/// Maps the file that a mapping shows once more, privately: for what is too large to be copied.
/// What the live process writes to the file, the clone sees. False when it can't be had.
fn map_file(clone: Pid, batch: &Batch, mapping: &Mapping) -> Result<bool, ConfineFailure> {
    let Some(path) = mapping.path.as_ref().filter(|_| !is_memory(mapping)) else {
        return Ok(false);
    };
    let path = [path.as_os_str().as_bytes(), b"\0"].concat();
    if path.len() as u64 > DATA {
        return Ok(false);
    }
    batch.put(0, &path)?;
    let here = i64::from(libc::AT_FDCWD).cast_unsigned();
    let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    let opened = batch.call(libc::SYS_openat, [here, batch.data, flags as u64])?;
    let Ok(file) = opened else {
        return Ok(false);
    };
    let metadata = std::fs::metadata(format!("/proc/{clone}/fd/{file}"));
    let is_same = metadata.is_ok_and(|one| one.is_file() && one.ino() == mapping.inode);
    let mapped = is_same && {
        let arguments = [
            mapping.start.get(),
            mapping.size(),
            protection(mapping) as u64,
            (libc::MAP_PRIVATE | libc::MAP_FIXED) as u64,
            file,
            mapping.offset,
        ];
        batch.call(libc::SYS_mmap, arguments)?.is_ok()
    };
    batch
        .call(libc::SYS_close, [file])?
        .map_err(|error| ConfineFailure::os("closing a file of the clone", &error))?;
    Ok(mapped)
}

/// Whether it is memory without a file on a disk, whose pages exist once they are written.
fn is_memory(mapping: &Mapping) -> bool {
    const PREFIXES: [&[u8]; 4] = [b"/dev/zero", b"/dev/shm/", b"/memfd:", b"/SYSV"];
    let Some(path) = &mapping.path else {
        return true;
    };
    let path = path.as_os_str().as_bytes();
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

/// A byte for each page, whose lowest bit says that it is there (`mincore(2)`): of memory that
/// nobody has written yet, reading a page would make it. What the kernel does not tell counts as
/// there.
fn resident(batch: &Batch, start: u64, end: u64) -> Result<Option<Vec<u8>>, ConfineFailure> {
    let arguments = [start, end - start, batch.data];
    let result = batch.call(libc::SYS_mincore, arguments)?;
    if result.is_err() {
        return Ok(None);
    }
    let mut pages = vec![0; ((end - start) / PAGE) as usize];
    batch.get(0, &mut pages)?;
    Ok(Some(pages))
}

/// Puts private memory in the place of a mapping: of zeros, or none that can be reached.
fn replace(batch: &Batch, mapping: &Mapping, usable: bool) -> Result<(), ConfineFailure> {
    let protection = match usable {
        true => protection(mapping),
        false => libc::PROT_NONE,
    };
    let start = mapping.start.get();
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE;
    let map = |protection: i32| {
        let arguments = [
            start,
            mapping.size(),
            protection as u64,
            flags as u64,
            u64::MAX,
            0,
        ];
        Call::new(libc::SYS_mmap, arguments)
    };
    // Without the last, the address is free for what the clone maps next, which is harmless.
    let tries = [
        map(protection),
        map(libc::PROT_NONE),
        Call::new(libc::SYS_munmap, [start, mapping.size()]),
    ];
    for call in tries {
        let results = batch.run(&[call])?;
        if results
            .first()
            .is_some_and(|&result| outcome(result).is_ok())
        {
            return Ok(());
        }
    }
    Err(ConfineFailure::SharedMemory { start })
}

fn protection(mapping: &Mapping) -> i32 {
    let permissions = mapping.permissions;
    let all = [
        (permissions.readable, libc::PROT_READ),
        (permissions.writable, libc::PROT_WRITE),
        (permissions.executable, libc::PROT_EXEC),
    ];
    all.iter()
        .filter(|(is_set, _)| *is_set)
        .map(|(_, bit)| bit)
        .sum()
}
