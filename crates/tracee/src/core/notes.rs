use std::ffi::OsStr;
use std::fs::File;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64};
use object::read::elf::NoteIterator;

use super::CoreError;
use super::headers::Headers;
use crate::Pid;
use crate::elf::read_table;

/// Notes larger than this are not read: the kernel writes at most 4 MiB of names of files,
/// and a few kilobytes for each thread.
const LARGEST_NOTES: u64 = 256 << 20;

/// The process of a core.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CoreProcess {
    /// Its number, in the namespace in which the core was written.
    pub pid: Pid,
    /// The kernel's short name of it: at most 15 bytes.
    pub name: String,
    /// Its command line, cut by the kernel after 80 bytes.
    pub command: String,
    /// Its threads; the first is the one that got the signal.
    pub threads: Vec<Pid>,
    /// The tops of their stacks, as far as they are told.
    pub stack_pointers: Vec<u64>,
    /// The signal that ended it; 0 for the core of a process that went on.
    pub signal: i32,
}

/// What the notes say.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) process: CoreProcess,
    /// The mapped files.
    pub(super) files: Vec<FileNote>,
    /// Where the kernel put the headers of the program: `AT_PHDR`.
    pub(super) program_headers: Option<u64>,
}

/// A part of a file that was mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileNote {
    pub(super) range: Range<u64>,
    /// Where in the file it begins, in bytes.
    pub(super) offset: u64,
    pub(super) path: PathBuf,
}

impl Notes {
    /// Reads all notes. Those that are cut off or not understood are left out.
    pub(super) fn read(file: &File, headers: &Headers, path: &Path) -> Result<Self, CoreError> {
        let mut notes = Self::default();
        for segment in headers.notes() {
            let size = segment.present(headers.file_length);
            if size < segment.file_size {
                return Err(CoreError::damaged(path, "it is cut off within its notes"));
            }
            let bytes = (size <= LARGEST_NOTES)
                .then(|| read_table(file, segment.offset, size))
                .flatten();
            let bytes: Vec<u8> =
                bytes.ok_or_else(|| CoreError::damaged(path, "its notes can't be read"))?;
            notes.take(&bytes);
        }
        if notes.process.pid == Pid::default() {
            // A writer that leaves the process out has its threads at least.
            notes.process.pid = notes.process.threads.first().copied().unwrap_or_default();
        }
        notes.files.sort_by_key(|file| file.range.start);
        // No two files are mapped at one address.
        notes
            .files
            .dedup_by(|next, before| next.range.start < before.range.end);
        Ok(notes)
    }

    fn take(&mut self, bytes: &[u8]) {
        // The kernel and gdb align to 4, whatever the header says.
        let Ok(iterator) = NoteIterator::<FileHeader64<LE>>::new(LE, 4, bytes) else {
            return;
        };
        for note in iterator.map_while(Result::ok) {
            if note.name() != b"CORE" {
                continue;
            }
            let bytes = note.desc();
            match note.n_type(LE) {
                elf::NT_PRSTATUS => self.thread(bytes),
                elf::NT_PRPSINFO => self.program(bytes),
                elf::NT_AUXV => self.auxiliary_vector(bytes),
                elf::NT_SIGINFO => self.process.signal = word(bytes, 0).unwrap_or_default(),
                elf::NT_FILE => self.files.extend(files(bytes)),
                _ => {}
            }
        }
    }

    /// `struct elf_prstatus` of the kernel's `include/linux/elfcore.h`.
    fn thread(&mut self, bytes: &[u8]) {
        const PR_CURSIG: usize = 12;
        const PR_PID: usize = 32;
        const PR_REG: usize = 112;
        // Registers are in the order of the processor's `user_regs_struct`.
        const STACK_POINTER: usize = if cfg!(target_arch = "aarch64") {
            31
        } else {
            19
        };
        if self.process.threads.is_empty() && self.process.signal == 0 {
            // A core without NT_SIGINFO has the signal here as well, as a short number.
            self.process.signal = word(bytes, PR_CURSIG).unwrap_or_default() & 0xffff;
        }
        self.process.threads.extend(word(bytes, PR_PID).map(Pid));
        let stack_pointer = long(bytes, PR_REG + 8 * STACK_POINTER);
        self.process.stack_pointers.extend(stack_pointer);
    }

    /// `struct elf_prpsinfo` of the same.
    fn program(&mut self, bytes: &[u8]) {
        const PR_PID: usize = 24;
        const PR_FNAME: Range<usize> = 40..56;
        const PR_PSARGS: Range<usize> = 56..136;
        let text = |range| text(bytes.get(range).unwrap_or_default());
        self.process.pid = Pid(word(bytes, PR_PID).unwrap_or_default());
        self.process.name = text(PR_FNAME);
        self.process.command = text(PR_PSARGS).trim_end().to_owned();
    }

    fn auxiliary_vector(&mut self, bytes: &[u8]) {
        const AT_PHDR: u64 = 3;
        self.program_headers = (0..bytes.len() / 16)
            .map(|entry| (long(bytes, entry * 16), long(bytes, entry * 16 + 8)))
            .find_map(|(key, value)| (key == Some(AT_PHDR)).then_some(value?));
    }
}

/// `fill_files_note` of the kernel's `fs/binfmt_elf.c`: a count, the size of a page, for each
/// file the first address, the one after the last and the page of the file; then all names.
fn files(bytes: &[u8]) -> Vec<FileNote> {
    const ENTRY: usize = 24;
    let (Some(count), Some(page_size)) = (long(bytes, 0), long(bytes, 8)) else {
        return Vec::new();
    };
    let Ok(count) = usize::try_from(count) else {
        return Vec::new();
    };
    let names = count
        .checked_mul(ENTRY)
        .and_then(|size| bytes.get(size.checked_add(16)?..));
    let Some(names) = names else {
        return Vec::new();
    };
    let names = names.split(|&byte| byte == 0);
    let entry = |(entry, name): (usize, &[u8])| {
        let at = 16 + entry * ENTRY;
        let (start, end) = (long(bytes, at)?, long(bytes, at + 8)?);
        let offset = long(bytes, at + 16)?.checked_mul(page_size)?;
        (start < end && offset.checked_add(end - start).is_some()).then(|| FileNote {
            range: start..end,
            offset,
            path: PathBuf::from(OsStr::from_bytes(name)),
        })
    };
    names.take(count).enumerate().filter_map(entry).collect()
}

fn word(bytes: &[u8], at: usize) -> Option<i32> {
    let word = bytes.get(at..at + 4)?;
    Some(i32::from_le_bytes(word.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    let word = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(word.try_into().ok()?))
}

/// Up to the first NUL.
fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(words: &[u64], names: &[u8]) -> Vec<u8> {
        let words = words.iter().flat_map(|word| word.to_le_bytes());
        words.chain(names.iter().copied()).collect()
    }

    #[test]
    fn counts_and_places_of_files_that_can_not_be() {
        let one = [1, 4096, 0x1000, 0x3000, 2];
        let found = files(&note(&one, b"/lib/one.so\0"));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].range.clone(), found[0].offset),
            (0x1000..0x3000, 8192)
        );
        // With these counts the entries end behind the last address.
        for count in [2, u64::MAX, u64::MAX / 24, u64::MAX / 24 - 1] {
            assert_eq!(files(&note(&[count, 4096, 0x1000, 0x3000, 2], b"")), []);
        }
        let ends_before_it_begins = [1, 4096, 0x3000, 0x1000, 2];
        let far = [1, 4096, 0x1000, 0x3000, u64::MAX];
        for impossible in [ends_before_it_begins, far] {
            assert_eq!(files(&note(&impossible, b"/lib/one.so\0")), []);
        }
    }
}
