//! Core files: the memory of a process that ended, or that somebody had dumped.
//!
//! A core has the memory that a process wrote to, and leaves out what is in files anyway:
//! code, constants, names of types. [`CoreFile::open`] finds those files, makes sure by their
//! build-ids that they are the ones that were mapped, and puts both together as
//! [`CoreMemory`].
//!
//! A core is hostile input: what it says of sizes and counts is bounded by the size of the
//! file, and files that it names are opened only when they are regular ones.
//!
//! Formats: `elf(5)`, `core(5)`, the kernel's `fs/binfmt_elf.c`.

mod backing;
mod error;
mod format;
mod headers;
mod identity;
mod memory;
mod notes;
mod runtime;
mod unpack;

pub use backing::{MissingFile, Places, WhyMissing};
pub use error::CoreError;
pub use identity::BuildId;
pub use memory::CoreMemory;
pub use notes::CoreProcess;

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use backing::Backing;
use headers::{Headers, Segment};
use notes::{FileNote, Notes};

use crate::{LocateError, MappedFiles, Mapping, Mappings, Permissions, Pid, PythonImage};

/// A core file, with the files that its process had mapped.
#[derive(Debug)]
pub struct CoreFile {
    process: CoreProcess,
    mappings: Mappings,
    memory: CoreMemory,
    backing: Backing,
    /// Bytes of memory that the core should have.
    expected: u64,
    /// Bytes of those that are not there.
    cut_off: u64,
}

impl CoreFile {
    /// Opens a core. A compressed one is unpacked into a file without a name, which goes when
    /// this does; `cancelled` ends that early.
    pub fn open(path: &Path, places: &Places, cancelled: &AtomicBool) -> Result<Self, CoreError> {
        let file = format::open(path, cancelled)?;
        let headers = Headers::read(&file, path)?;
        let notes = Notes::read(&file, &headers, path)?;
        let length = headers.file_length;
        let sizes = headers.loads().map(|load| load.file_size);
        let expected = sizes.fold(0, u64::saturating_add);
        let lacking = headers
            .loads()
            .map(|load| load.file_size - load.present(length));
        let cut_off = lacking.fold(0, u64::saturating_add);
        let mut memory = CoreMemory::new(file, headers.loads(), length);
        let program = program(&notes);
        let mappings = mappings(headers.loads(), &notes.files);
        let backing = Backing::find(&memory, &mappings, program, places)?;
        memory.add_files(backing.areas());
        Ok(Self {
            process: notes.process,
            mappings,
            memory,
            backing,
            expected,
            cut_off,
        })
    }

    /// The process, as far as the core tells.
    pub fn process(&self) -> &CoreProcess {
        &self.process
    }

    /// What was mapped.
    pub fn mappings(&self) -> &Mappings {
        &self.mappings
    }

    /// Its memory, from the core and the mapped files.
    pub fn memory(&self) -> &CoreMemory {
        &self.memory
    }

    /// Bytes of memory that the core should have, and how many of them it lacks because it
    /// was cut short.
    pub fn missing(&self) -> (u64, u64) {
        (self.expected, self.cut_off)
    }

    /// The programs and libraries whose contents are not in the core and could not be found.
    pub fn missing_files(&self) -> impl Iterator<Item = MissingFile> {
        self.backing.missing()
    }

    /// Files that were taken without proof that they are the ones that were mapped: the core
    /// has nothing to compare with.
    pub fn unproven_files(&self) -> impl Iterator<Item = &Path> {
        self.backing.unproven()
    }

    /// Finds the interpreter: in the files, else in memory itself, which some cores have
    /// whole.
    pub fn python(&self) -> Result<PythonImage, LocateError> {
        PythonImage::locate(self, &self.mappings)
            .or_else(|error| runtime::locate(self).ok_or(error))
    }
}

impl MappedFiles for CoreFile {
    fn pid(&self) -> Pid {
        self.process.pid
    }

    fn program(&self) -> Option<PathBuf> {
        self.backing.program().map(Path::to_path_buf)
    }

    fn short_name(&self) -> String {
        self.process.name.clone()
    }

    fn open_mapped(&self, mapping: &Mapping) -> Option<File> {
        self.backing.open(mapping.path.as_deref()?)
    }
}

/// The program among the mapped files: its program headers are where the kernel told the
/// process that they are. Without that, the first file.
fn program(notes: &Notes) -> Option<&Path> {
    let by_headers = notes.program_headers.and_then(|at| {
        let holds = |file: &&FileNote| file.range.contains(&at);
        notes.files.iter().find(holds)
    });
    let file = by_headers.or_else(|| notes.files.first())?;
    Some(&file.path)
}

/// What was mapped: files as the note has them, and what is left of the segments. Both are by
/// address; files do not overlap, and of segments that do the first holds.
fn mappings<'a>(loads: impl Iterator<Item = &'a Segment>, files: &[FileNote]) -> Mappings {
    let loads = disjoint(loads);
    let flags_at = |address: u64| {
        let after = loads.partition_point(|(range, _)| range.end <= address);
        let load = loads.get(after);
        load.filter(|(range, _)| range.contains(&address))
            .map_or(0, |&(_, flags)| flags)
    };
    let mut list: Vec<Mapping> = files
        .iter()
        .map(|file| Mapping {
            start: file.range.start.into(),
            end: file.range.end.into(),
            permissions: permissions(flags_at(file.range.start), is_shared(&file.path)),
            offset: file.offset,
            path: Some(file.path.clone()),
            inode: UNKNOWN_INODE,
            device: (0, 0),
        })
        .collect();
    for (range, flags) in loads {
        let first = files.partition_point(|file| file.range.end <= range.start);
        let near = files.get(first..).unwrap_or_default();
        for range in memory::without(range, near.iter().map(|file| &file.range)) {
            list.push(Mapping {
                start: range.start.into(),
                end: range.end.into(),
                permissions: permissions(flags, false),
                offset: 0,
                path: None,
                inode: 0,
                device: (0, 0),
            });
        }
    }
    list.into_iter().collect()
}

/// The addresses and the flags of segments, which are by address, without what overlaps one
/// before.
fn disjoint<'a>(loads: impl Iterator<Item = &'a Segment>) -> Vec<(Range<u64>, u32)> {
    let mut found: Vec<(Range<u64>, u32)> = Vec::new();
    for load in loads {
        let end = found.last().map_or(0, |(last, _)| last.end);
        let range = load.range().start.max(end)..load.range().end;
        if range.start < range.end {
            found.push((range, load.flags));
        }
    }
    found
}

/// A core does not tell the number of a file, and only memory without a file has none.
const UNKNOWN_INODE: u64 = u64::MAX;

fn permissions(flags: u32, shared: bool) -> Permissions {
    Permissions {
        readable: flags & 4 != 0,
        writable: flags & 2 != 0,
        executable: flags & 1 != 0,
        shared,
    }
}

/// What the kernel calls memory that is shared without a file of its own. A core does not
/// tell shared mappings otherwise.
fn is_shared(path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    let names: [&[u8]; 4] = [b"/dev/zero", b"/dev/shm/", b"/SYSV", b"/memfd:"];
    names.iter().any(|name| path.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More segments and files than can be compared with each other.
    #[test]
    fn many_mappings_are_found_by_address() {
        const COUNT: u64 = 200_000;
        let loads: Vec<_> = (1..=COUNT)
            .map(|i| Segment::for_test(i * 0x4000, 0, 0x2000))
            .collect();
        let files: Vec<_> = (1..=COUNT)
            .map(|i| FileNote {
                range: i * 0x4000..i * 0x4000 + 0x1000,
                offset: 0,
                path: PathBuf::from("/lib/one.so"),
            })
            .collect();
        let found = mappings(loads.iter(), &files);
        assert_eq!(found.len() as u64, 2 * COUNT);
        assert!(found.iter().all(|mapping| mapping.permissions.writable));
        let sizes = |is_file| {
            let mut of_sort = found.iter().filter(move |one| one.is_file() == is_file);
            of_sort.all(|mapping| mapping.size() == 0x1000)
        };
        assert!(sizes(true) && sizes(false));
    }

    #[test]
    fn of_segments_that_overlap_the_first_holds() {
        let loads = [
            (0x1000, 0x3000),
            (0x1000, 0),
            (0x2000, 0x1000),
            (0x3000, 0x3000),
        ];
        let loads = loads.map(|(address, size)| Segment::for_test(address, 0, size));
        let found = mappings(loads.iter(), &[]);
        let ranges: Vec<_> = found
            .iter()
            .map(|mapping| (mapping.start.get(), mapping.end.get()))
            .collect();
        assert_eq!(ranges, [(0x1000, 0x4000), (0x4000, 0x6000)]);
    }
}
