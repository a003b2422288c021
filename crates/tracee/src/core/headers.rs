use std::fs::File;
use std::ops::Range;
use std::path::Path;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64};

use super::CoreError;
use crate::elf::{read_one, read_table};

/// More segments than this are not believed: the kernel maps 65,530 areas by default.
const MAX_SEGMENTS: u64 = 1 << 22;

/// The program headers of a core.
#[derive(Debug)]
pub(super) struct Headers {
    segments: Vec<Segment>,
    pub(super) file_length: u64,
}

/// One of its segments: a part of the process's memory, or notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    kind: u32,
    /// 1: may be executed, 2: written, 4: read.
    pub(super) flags: u32,
    /// Where its bytes begin in the core.
    pub(super) offset: u64,
    pub(super) address: u64,
    /// Bytes in the core.
    pub(super) file_size: u64,
    /// Bytes in memory; never fewer.
    pub(super) memory_size: u64,
}

impl Headers {
    /// Reads them from an ELF core of this machine's kind, which the file is known to be.
    pub(super) fn read(file: &File, path: &Path) -> Result<Self, CoreError> {
        let cut = || CoreError::damaged(path, "it is cut off within its headers");
        let io = |source| CoreError::io(path, source);
        let file_length = file.metadata().map_err(io)?.len();
        let header: FileHeader64<LE> = read_one(file, 0).ok_or_else(cut)?;
        let mut count = u64::from(header.e_phnum.get(LE));
        if count == u64::from(elf::PN_XNUM) {
            // More than fit into 16 bits: the first section, which is made for this, has them.
            let first = read_one::<SectionHeader64<LE>>(file, header.e_shoff.get(LE));
            count = first.map_or(count, |section| u64::from(section.sh_info.get(LE)));
        }
        if count > MAX_SEGMENTS {
            return Err(CoreError::damaged(path, "it has too many segments"));
        }
        let table: Vec<ProgramHeader64<LE>> =
            read_table(file, header.e_phoff.get(LE), count).ok_or_else(cut)?;
        let mut segments: Vec<_> = table.iter().filter_map(Segment::new).collect();
        segments.sort_by_key(|segment| segment.address);
        Ok(Self {
            segments,
            file_length,
        })
    }

    /// The parts of memory, by address.
    pub(super) fn loads(&self) -> impl Iterator<Item = &Segment> {
        self.of_kind(elf::PT_LOAD.0)
    }

    /// The notes.
    pub(super) fn notes(&self) -> impl Iterator<Item = &Segment> {
        self.of_kind(elf::PT_NOTE.0)
    }

    fn of_kind(&self, kind: u32) -> impl Iterator<Item = &Segment> {
        self.segments
            .iter()
            .filter(move |segment| segment.kind == kind)
    }
}

impl Segment {
    /// `None` for one that reaches past the end of the address space.
    fn new(header: &ProgramHeader64<LE>) -> Option<Self> {
        let file_size = header.p_filesz.get(LE);
        let segment = Self {
            kind: header.p_type.get(LE).0,
            flags: header.p_flags.get(LE).0,
            offset: header.p_offset.get(LE),
            address: header.p_vaddr.get(LE),
            file_size,
            memory_size: header.p_memsz.get(LE).max(file_size),
        };
        segment.address.checked_add(segment.memory_size)?;
        segment.offset.checked_add(segment.file_size)?;
        Some(segment)
    }

    /// The addresses that it is about.
    pub(super) fn range(&self) -> Range<u64> {
        self.address..self.address + self.memory_size
    }

    /// How many of its bytes a core of that length has.
    pub(super) fn present(&self, file_length: u64) -> u64 {
        file_length.saturating_sub(self.offset).min(self.file_size)
    }
}

#[cfg(test)]
impl Segment {
    /// A part of memory that is all in the core.
    pub(super) fn for_test(address: u64, offset: u64, size: u64) -> Self {
        Self {
            kind: elf::PT_LOAD.0,
            flags: 6,
            offset,
            address,
            file_size: size,
            memory_size: size,
        }
    }
}
