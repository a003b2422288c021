use std::fmt;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::pod;
use object::read::elf::NoteIterator;

/// What the linker wrote into a file to tell it from all others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildId(Vec<u8>);

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Bytes at the beginning of a file by which it is told from others. Most cores have the
/// first page of each program and library for that (bit 4 of `coredump_filter`).
pub(super) const HEAD: usize = 4096;

/// What tells one program or library from others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Identity {
    pub(super) build_id: Option<BuildId>,
    /// The ELF header and the program headers.
    headers: Vec<u8>,
}

impl Identity {
    /// From the first page of a file or of its mapping; `None` when that is no ELF file.
    pub(super) fn of(page: &[u8]) -> Option<Self> {
        let (header, _) = pod::from_bytes::<FileHeader64<LE>>(page).ok()?;
        if header.e_ident.magic != elf::ELFMAG || header.e_ident.class != elf::ELFCLASS64 {
            return None;
        }
        let start = usize::try_from(header.e_phoff.get(LE)).ok()?;
        let count = usize::from(header.e_phnum.get(LE));
        let table = page.get(start..)?;
        let (segments, rest) = pod::slice_from_bytes::<ProgramHeader64<LE>>(table, count).ok()?;
        let end = page.len() - rest.len();
        Some(Self {
            build_id: segments.iter().find_map(|segment| build_id(page, segment)),
            headers: page.get(..end)?.to_vec(),
        })
    }

    /// Whether both are of one file: by the build-ids; where there are none, by the headers,
    /// which say how large each part is and where.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (&self.build_id, &other.build_id) {
            (Some(one), Some(other)) => one == other,
            (None, None) => self.headers == other.headers,
            _ => false,
        }
    }
}

fn build_id(page: &[u8], segment: &ProgramHeader64<LE>) -> Option<BuildId> {
    if segment.p_type.get(LE) != elf::PT_NOTE {
        return None;
    }
    let start = usize::try_from(segment.p_offset.get(LE)).ok()?;
    let size = usize::try_from(segment.p_filesz.get(LE)).ok()?;
    let bytes = page.get(start..start.checked_add(size)?)?;
    let align = segment.p_align.get(LE);
    let mut notes = NoteIterator::<FileHeader64<LE>>::new(LE, align, bytes).ok()?;
    notes.find_map(|note| {
        let note = note.ok()?;
        let is_id = note.name() == elf::ELF_NOTE_GNU && note.n_type(LE) == elf::NT_GNU_BUILD_ID;
        is_id.then(|| BuildId(note.desc().to_vec()))
    })
}
