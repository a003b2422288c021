use std::fs::File;
use std::os::unix::fs::FileExt;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64, Sym64};
use object::pod::{self, Pod};

/// An ELF file of which only the needed parts are read: a libpython has tens of megabytes of
/// debug information, and its dynamic symbols fill a few hundred kilobytes.
pub(crate) struct ElfFile {
    file: File,
    segments: Vec<Segment>,
    sections: Vec<Section>,
    names: Vec<u8>,
}

/// A `PT_LOAD` program header: a part of the file that is mapped.
#[derive(Clone, Copy)]
struct Segment {
    offset: u64,
    address: u64,
    size: u64,
}

#[derive(Clone, Copy)]
struct Section {
    name: u32,
    kind: u32,
    address: u64,
    offset: u64,
    size: u64,
    link: u32,
}

/// No table of symbols or names is larger.
const LARGEST_TABLE: u64 = 256 << 20;

impl ElfFile {
    /// `None` when it is not an ELF file of this machine's kind, or is damaged.
    pub(crate) fn open(file: File) -> Option<Self> {
        let header: FileHeader64<LE> = read_one(&file, 0)?;
        let ident = header.e_ident;
        if ident.magic != elf::ELFMAG
            || ident.class != elf::ELFCLASS64
            || ident.data != elf::ELFDATA2LSB
        {
            return None;
        }
        let count = u64::from(header.e_phnum.get(LE));
        let segments: Vec<ProgramHeader64<LE>> = read_table(&file, header.e_phoff.get(LE), count)?;
        let count = u64::from(header.e_shnum.get(LE));
        // Section headers can be stripped; the program headers can't.
        let sections: Vec<SectionHeader64<LE>> =
            read_table(&file, header.e_shoff.get(LE), count).unwrap_or_default();
        let mut this = Self {
            file,
            segments: segments.iter().filter_map(Segment::from_header).collect(),
            sections: sections.iter().map(Section::from_header).collect(),
            names: Vec::new(),
        };
        let names = this
            .sections
            .get(usize::from(header.e_shstrndx.get(LE).0))
            .copied();
        this.names = names
            .and_then(|section| this.contents(section))
            .unwrap_or_default();
        Some(this)
    }

    /// The addresses of symbols as the file has them, for each of the names: from the
    /// dynamic symbols, and from the full table for those that are not there.
    pub(crate) fn symbols<const N: usize>(&self, names: [&str; N]) -> [Option<u64>; N] {
        let mut found = [None; N];
        for kind in [elf::SHT_DYNSYM, elf::SHT_SYMTAB] {
            for section in self
                .sections
                .iter()
                .filter(|section| section.kind == kind.0)
            {
                self.search(*section, &names, &mut found);
            }
            if found.iter().all(Option::is_some) {
                break;
            }
        }
        found
    }

    /// Whether a symbol is among the dynamic ones, which stay when a file is stripped.
    pub(crate) fn exports(&self, name: &str) -> bool {
        let mut found = [None];
        for section in self
            .sections
            .iter()
            .filter(|one| one.kind == elf::SHT_DYNSYM.0)
        {
            self.search(*section, &[name], &mut found);
        }
        found != [None]
    }

    /// The address of a section as the file has it.
    pub(crate) fn section(&self, name: &str) -> Option<u64> {
        let named = |section: &&Section| name_at(&self.names, section.name) == name.as_bytes();
        self.sections
            .iter()
            .find(named)
            .map(|section| section.address)
    }

    /// What to add to the file's addresses, when its bytes from `offset` on are mapped at
    /// `start`. Zero for executables at a fixed address.
    pub(crate) fn bias(&self, start: u64, offset: u64) -> Option<u64> {
        const PAGE: u64 = !0xfff;
        let holds =
            |s: &&Segment| s.offset & PAGE <= offset && offset < s.offset.saturating_add(s.size);
        let segment = self.segments.iter().find(holds)?;
        let address = (segment.address & PAGE).wrapping_add(offset - (segment.offset & PAGE));
        Some(start.wrapping_sub(address))
    }

    fn search(&self, table: Section, names: &[&str], found: &mut [Option<u64>]) {
        let strings = self.sections.get(table.link as usize);
        let Some(strings) = strings.and_then(|section| self.contents(*section)) else {
            return;
        };
        let count = table.size / size_of::<Sym64<LE>>() as u64;
        let Some(symbols) = read_table::<Sym64<LE>>(&self.file, table.offset, count) else {
            return;
        };
        for symbol in symbols
            .iter()
            .filter(|symbol| symbol.st_shndx.get(LE) != elf::SHN_UNDEF)
        {
            let name = name_at(&strings, symbol.st_name.get(LE));
            for (wanted, found) in names.iter().zip(found.iter_mut()) {
                if found.is_none() && name == wanted.as_bytes() {
                    *found = Some(symbol.st_value.get(LE));
                }
            }
        }
    }

    fn contents(&self, section: Section) -> Option<Vec<u8>> {
        read_table(&self.file, section.offset, section.size)
    }
}

impl Segment {
    fn from_header(header: &ProgramHeader64<LE>) -> Option<Self> {
        (header.p_type.get(LE) == elf::PT_LOAD).then(|| Self {
            offset: header.p_offset.get(LE),
            address: header.p_vaddr.get(LE),
            size: header.p_filesz.get(LE),
        })
    }
}

impl Section {
    fn from_header(header: &SectionHeader64<LE>) -> Self {
        Self {
            name: header.sh_name.get(LE),
            kind: header.sh_type.get(LE).0,
            address: header.sh_addr.get(LE),
            offset: header.sh_offset.get(LE),
            size: header.sh_size.get(LE),
            link: header.sh_link.get(LE),
        }
    }
}

pub(crate) fn read_one<T: Pod>(file: &File, offset: u64) -> Option<T> {
    read_table(file, offset, 1)?.first().copied()
}

/// `count` values from an offset on; `None` when the file does not have them.
pub(crate) fn read_table<T: Pod>(file: &File, offset: u64, count: u64) -> Option<Vec<T>> {
    let size = count.checked_mul(size_of::<T>() as u64)?;
    if size > LARGEST_TABLE || offset.checked_add(size)? > file.metadata().ok()?.len() {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(size).ok()?];
    file.read_exact_at(&mut bytes, offset).ok()?;
    let (table, _) = pod::slice_from_bytes(&bytes, usize::try_from(count).ok()?).ok()?;
    Some(table.to_vec())
}

/// The NUL-terminated name at an offset of a table of strings.
fn name_at(strings: &[u8], offset: u32) -> &[u8] {
    let rest = strings.get(offset as usize..).unwrap_or_default();
    rest.split(|&byte| byte == 0).next().unwrap_or_default()
}
