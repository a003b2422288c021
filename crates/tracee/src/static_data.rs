//! Where programs and libraries have their variables, by their headers as they lie in memory.
//!
//! Headers and mappings can come from a crafted core, in which many files share one page of
//! headers that claim everything. So parts must ascend and not overlap, each ends where
//! another file is mapped, and what is found is bounded in all.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use exuvia_memory::{Memory, RemoteAddress};
use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::pod::{self, Pod};

use crate::{Mapping, Mappings};

/// More parts of one program or library are not believed.
const MAX_SEGMENTS: u16 = 256;
/// More files are not looked at, and more places with variables are not kept: a process has
/// 65,530 mappings by default, and those with many more have them for other things.
const MAX_FILES: usize = 1 << 17;
const MAX_FOUND: usize = 1 << 17;

/// Where a mapped program or library has variables, or a part of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaticVariables {
    /// Where they are in memory, without what is made read-only once the file is loaded.
    pub range: Range<u64>,
    /// The file, as the target sees it.
    pub file: PathBuf,
    /// What to take from an address in memory to have that of a symbol of the file.
    pub bias: u64,
}

/// Where the variables of a target's program and libraries are, by address.
///
/// The program headers say it, which are part of what is mapped: no file is needed. Of files
/// that are not mapped as their headers say, such as one that a program reads as data, and of
/// those whose headers can't be read, nothing is found.
pub fn static_variables<M: Memory>(memory: &M, mappings: &Mappings) -> Vec<StaticVariables> {
    let mut found = BTreeMap::new();
    for (mapping, path) in beginnings(mappings).take(MAX_FILES) {
        if let Some(image) = Image::read(memory, mappings, mapping, path) {
            image.add_variables(mappings, &mut found);
        }
    }
    found.into_values().collect()
}

/// Variables by where they begin, without overlaps.
type Found = BTreeMap<u64, StaticVariables>;

/// Whether something found before lies in a range: what says that it lies in another's memory
/// does not lie there.
fn is_taken(found: &Found, range: &Range<u64>) -> bool {
    let mut before = found.range(..range.end);
    before
        .next_back()
        .is_some_and(|(_, last)| last.range.end > range.start)
}

/// Mappings of the first bytes of files.
fn beginnings(mappings: &Mappings) -> impl Iterator<Item = (&Mapping, &Path)> {
    let files = mappings
        .iter()
        .filter(|mapping| mapping.is_file() && mapping.offset == 0);
    files.filter_map(|mapping| Some((mapping, mapping.path.as_deref()?)))
}

/// A program or library that is mapped as its headers say.
struct Image<'a> {
    path: &'a Path,
    bias: u64,
    segments: Vec<ProgramHeader64<LE>>,
}

impl<'a> Image<'a> {
    fn read(
        memory: &impl Memory,
        mappings: &Mappings,
        first: &Mapping,
        path: &'a Path,
    ) -> Option<Self> {
        let header: FileHeader64<LE> = read(memory, first.start)?;
        let ident = header.e_ident;
        let count = header.e_phnum.get(LE);
        if ident.magic != elf::ELFMAG
            || ident.class != elf::ELFCLASS64
            || ident.data != elf::ELFDATA2LSB
            || count > MAX_SEGMENTS
        {
            return None;
        }
        // Tools that make room for more headers put them where the file ended.
        let table = mapped_at(mappings, first, header.e_phoff.get(LE))?;
        let mut segments: Vec<ProgramHeader64<LE>> = Vec::new();
        let mut end = 0;
        for i in 0..u64::from(count) {
            let at = table.offset(i * size_of::<ProgramHeader64<LE>>() as u64);
            let segment: ProgramHeader64<LE> = read(memory, at)?;
            if segment.p_type.get(LE) != elf::PT_LOAD {
                continue;
            }
            // So `elf(5)` has it, and loaders rely on it.
            if segment.p_vaddr.get(LE) < end {
                return None;
            }
            end = segment
                .p_vaddr
                .get(LE)
                .saturating_add(segment.p_memsz.get(LE));
            segments.push(segment);
        }
        let beginning = segments
            .iter()
            .find(|segment| segment.p_offset.get(LE) == 0)?;
        let image = Self {
            path,
            bias: first.start.get().wrapping_sub(beginning.p_vaddr.get(LE)),
            segments,
        };
        image.is_mapped(mappings).then_some(image)
    }

    /// Whether each part that comes from the file lies where the headers say.
    fn is_mapped(&self, mappings: &Mappings) -> bool {
        self.segments.iter().all(|segment| {
            let address = RemoteAddress::new(self.bias.wrapping_add(segment.p_vaddr.get(LE)));
            let mapping = mappings.containing(address);
            segment.p_filesz.get(LE) == 0
                || mapping.is_some_and(|mapping| {
                    let within = address.get() - mapping.start.get();
                    mapping.path.as_deref() == Some(self.path)
                        && mapping.offset.checked_add(within) == Some(segment.p_offset.get(LE))
                })
        })
    }

    /// Adds what is writable of the parts that are loaded to be written. Each part ends where
    /// something is mapped that is not the same part of the file: behind what comes from the
    /// file there is only memory without one.
    fn add_variables(&self, mappings: &Mappings, found: &mut Found) {
        for segment in &self.segments {
            if segment.p_flags.get(LE).0 & elf::PF_W.0 == 0 {
                continue;
            }
            let start = self.bias.wrapping_add(segment.p_vaddr.get(LE));
            let end = start.saturating_add(segment.p_memsz.get(LE));
            let from_file = segment.p_offset.get(LE).wrapping_sub(start);
            let is_part = |mapping: &&Mapping| {
                !mapping.is_file()
                    || mapping.offset.wrapping_sub(mapping.start.get()) == from_file
                        && mapping.path.as_deref() == Some(self.path)
            };
            for mapping in mappings.overlapping(start..end).take_while(is_part) {
                let permissions = mapping.permissions;
                if !permissions.readable || !permissions.writable || permissions.shared {
                    continue;
                }
                let range = mapping.start.get().max(start)..mapping.end.get().min(end);
                // Another file's variables: the rest is not this one's either.
                if found.len() >= MAX_FOUND || is_taken(found, &range) {
                    break;
                }
                let variables = StaticVariables {
                    range: range.clone(),
                    file: self.path.to_path_buf(),
                    bias: self.bias,
                };
                found.insert(range.start, variables);
            }
        }
    }
}

/// Where a file's bytes from an offset on are mapped, near the file's first ones.
fn mapped_at(mappings: &Mappings, first: &Mapping, offset: u64) -> Option<RemoteAddress> {
    let holds = |mapping: &&Mapping| {
        mapping.path == first.path
            && mapping.offset <= offset
            && offset - mapping.offset < mapping.size()
    };
    // Behind another file, or the same one once more, nothing of this one follows.
    let is_near = |mapping: &&Mapping| {
        !mapping.is_file()
            || mapping.path == first.path && (mapping.offset > 0 || mapping.start == first.start)
    };
    let near = mappings.overlapping(first.start.get()..u64::MAX);
    let mapping = near.take_while(is_near).find(holds)?;
    Some(mapping.start.offset(offset - mapping.offset))
}

fn read<T: Pod>(memory: &impl Memory, address: RemoteAddress) -> Option<T> {
    let mut bytes = vec![0; size_of::<T>()];
    memory.read_exact(address, &mut bytes).ok()?;
    pod::from_bytes(&bytes).ok().map(|(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Permissions, Pid};
    use exuvia_memory::{Fault, PAGE_SIZE};

    const PAGE: u64 = PAGE_SIZE as u64;
    const BASE: u64 = 0x7f00_0000_0000;
    const LIBRARY: &str = "/lib/libexample.so";
    const READ: u32 = 4;
    const WRITE: u32 = 6;

    /// One page, at [`BASE`]; all else is zeros.
    struct Page(Vec<u8>);

    impl Memory for Page {
        fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
            let start = address.get().wrapping_sub(BASE) as usize;
            let bytes = self.0.get(start..start.saturating_add(buffer.len()));
            buffer.copy_from_slice(bytes.ok_or(Fault {
                address,
                length: buffer.len(),
            })?);
            Ok(())
        }
    }

    /// A part of a file that is loaded.
    struct Part {
        flags: u32,
        offset: u64,
        address: u64,
        in_file: u64,
        in_memory: u64,
    }

    /// The first page of a file with these parts, its headers at an offset.
    fn file(parts: &[Part], headers: u64) -> Page {
        let mut page = vec![0; PAGE_SIZE];
        let mut put = |at: u64, bytes: &[u8]| {
            page[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
        };
        put(0, b"\x7fELF\x02\x01\x01");
        put(32, &headers.to_le_bytes());
        put(56, &(parts.len() as u16).to_le_bytes());
        for (i, part) in parts.iter().enumerate() {
            let at = headers + 56 * i as u64;
            put(at, &1_u32.to_le_bytes());
            put(at + 4, &part.flags.to_le_bytes());
            put(at + 8, &part.offset.to_le_bytes());
            put(at + 16, &part.address.to_le_bytes());
            put(at + 32, &part.in_file.to_le_bytes());
            put(at + 40, &part.in_memory.to_le_bytes());
        }
        Page(page)
    }

    /// Code on one page; behind it data, whose first page is read-only once it is loaded, then
    /// half a page of it and zeros up to the middle of the fourth page.
    fn library() -> Page {
        file(&[code(), data(2 * PAGE + PAGE / 2)], 64)
    }

    fn code() -> Part {
        Part {
            flags: READ,
            offset: 0,
            address: 0,
            in_file: PAGE,
            in_memory: PAGE,
        }
    }

    fn data(in_memory: u64) -> Part {
        Part {
            flags: WRITE,
            offset: PAGE,
            address: PAGE,
            in_file: PAGE + PAGE / 2,
            in_memory,
        }
    }

    fn mapping(page: u64, permissions: &str, offset: u64, path: Option<&str>) -> Mapping {
        let start = BASE + page * PAGE;
        Mapping {
            start: start.into(),
            end: (start + PAGE).into(),
            permissions: Permissions {
                readable: true,
                writable: permissions.contains('w'),
                executable: permissions.contains('x'),
                shared: permissions.contains('s'),
            },
            offset: offset * PAGE,
            path: path.map(PathBuf::from),
            inode: u64::from(path.is_some()),
            device: (0, 0),
        }
    }

    fn loaded() -> Vec<Mapping> {
        vec![
            mapping(0, "rx", 0, Some(LIBRARY)),
            mapping(1, "r", 1, Some(LIBRARY)),
            mapping(2, "rw", 2, Some(LIBRARY)),
            mapping(3, "rw", 0, None),
            // Where the linker put the library, the heap goes on.
            mapping(4, "rw", 0, None),
        ]
    }

    /// Where variables begin and end.
    fn ranges(memory: &Page, mappings: Vec<Mapping>) -> Vec<(u64, u64)> {
        let found = static_variables(memory, &mappings.into_iter().collect());
        let offset = |address| address - BASE;
        let ranges = found.into_iter().map(|variables| {
            assert_eq!(variables.file, Path::new(LIBRARY));
            assert_eq!(variables.bias, BASE);
            (offset(variables.range.start), offset(variables.range.end))
        });
        ranges.collect()
    }

    #[test]
    fn they_end_where_the_headers_say() {
        let expected = [(2 * PAGE, 3 * PAGE), (3 * PAGE, 3 * PAGE + PAGE / 2)];
        assert_eq!(ranges(&library(), loaded()), expected);
    }

    #[test]
    fn headers_can_lie_behind_the_first_ones() {
        let moved = file(&[code(), data(PAGE + PAGE / 2)], 1024);
        assert_eq!(ranges(&moved, loaded()), [(2 * PAGE, 2 * PAGE + PAGE / 2)]);
    }

    #[test]
    fn a_file_that_is_read_as_data_has_none() {
        // All of it in one piece, and the heap where its variables would be.
        let mut whole = loaded();
        whole.truncate(1);
        whole.push(mapping(1, "rw", 0, None));
        assert_eq!(ranges(&library(), whole), []);
        // Another file lies there.
        let mut other = loaded();
        other[1].path = Some("/lib/libother.so".into());
        assert_eq!(ranges(&library(), other), []);
        // The right file, in the wrong place.
        let mut elsewhere = loaded();
        elsewhere[1].offset = 0;
        assert_eq!(ranges(&library(), elsewhere), []);
    }

    #[test]
    fn sizes_that_nothing_has_end_with_what_is_mapped() {
        let endless = file(&[code(), data(u64::MAX)], 64);
        let mut mapped = loaded();
        mapped.truncate(3);
        assert_eq!(ranges(&endless, mapped), [(2 * PAGE, 3 * PAGE)]);
    }

    /// Many files that share the page of headers of one, which claims all that follows.
    #[test]
    fn headers_that_claim_the_variables_of_others() {
        const FILES: u64 = 1000;
        let claim = |i: u64| Part {
            flags: WRITE,
            offset: 0,
            address: PAGE + i * 64,
            in_file: 0,
            in_memory: 64,
        };
        let last = Part {
            in_memory: u64::MAX,
            ..claim(7)
        };
        let mut parts = vec![code()];
        parts.extend((0..7).map(claim));
        parts.push(last);
        let Page(page) = file(&parts, 64);
        let same = Everywhere(page);
        // Each file has a page of its own behind it, then there is the next.
        let mappings = (0..FILES).flat_map(|i| {
            let path = format!("/lib/{i}.so");
            [
                mapping(3 * i, "rx", 0, Some(&path)),
                mapping(3 * i + 1, "rw", 0, None),
            ]
        });
        let found = static_variables(&same, &mappings.collect());
        assert_eq!(found.len() as u64, 8 * FILES);
        let ends_before_the_next = |one: &StaticVariables| {
            let page = (one.bias - BASE) / PAGE;
            let own = BASE + (page + 1) * PAGE..BASE + (page + 2) * PAGE;
            own.contains(&one.range.start) && one.range.end <= own.end
        };
        assert!(found.iter().all(ends_before_the_next));
        assert!(found.is_sorted_by(|one, next| one.range.end <= next.range.start));
    }

    #[test]
    fn parts_that_overlap_or_descend_are_not_believed() {
        let second = |address| Part {
            address,
            ..data(PAGE)
        };
        for parts in [
            [data(2 * PAGE), second(2 * PAGE)],
            [data(PAGE), second(0)],
            [data(u64::MAX), second(u64::MAX - 1)],
        ] {
            let [one, two] = parts;
            assert_eq!(ranges(&file(&[code(), one, two], 64), loaded()), []);
        }
    }

    /// The same page wherever one is mapped.
    struct Everywhere(Vec<u8>);

    impl Memory for Everywhere {
        fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
            let start = (address.get() % PAGE) as usize;
            buffer.copy_from_slice(&self.0[start..start + buffer.len()]);
            Ok(())
        }
    }

    #[test]
    fn what_is_no_image_has_none() {
        assert_eq!(ranges(&Page(vec![0; PAGE_SIZE]), loaded()), []);
        assert_eq!(ranges(&Page(Vec::new()), loaded()), []);
        let mut cut = library();
        cut.0.truncate(100);
        assert_eq!(ranges(&cut, loaded()), []);
    }

    /// This test is a program itself, with a variable that the file has and a zeroed one.
    #[test]
    fn those_of_a_program_that_runs() {
        static FILLED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        static ZEROED: [std::sync::atomic::AtomicU64; 4096] =
            [const { std::sync::atomic::AtomicU64::new(0) }; 4096];
        let pid = Pid(i32::try_from(std::process::id()).unwrap());
        let mappings = Mappings::read(pid).unwrap();
        let memory = crate::LiveMemory::open(pid, &mappings);
        let found = static_variables(&memory, &mappings);
        let program = std::env::current_exe().unwrap();
        let is_found = |address: u64| {
            let mut of_program = found.iter().filter(|one| one.file == program);
            of_program.any(|one| one.range.contains(&address))
        };
        assert!(is_found(&raw const FILLED as u64));
        assert!(is_found(&raw const ZEROED[0] as u64));
        assert!(is_found(&raw const ZEROED[4095] as u64));
        let heap = Box::new(1_u64);
        assert!(!is_found(&raw const *heap as u64));
        assert!(!is_found(
            static_variables::<crate::LiveMemory> as *const () as u64
        ));
    }
}
