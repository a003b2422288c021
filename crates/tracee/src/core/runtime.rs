//! The interpreter of a core whose files are not to be had, found in memory itself.

use std::path::Path;

use exuvia_memory::{Fault, Memory, PAGE_SIZE, PageCache, RemoteAddress};
use object::LittleEndian as LE;
use object::elf::{self, Dyn64, FileHeader64, ProgramHeader64, Sym64};
use object::pod::{self, Pod};

use super::{CoreFile, CoreMemory};
use crate::python::OF_DEBUG_BUILDS;
use crate::symbols::file_name;
use crate::{Linking, MappedFiles, Mapping, PythonImage};

/// More than this of anything in the image of a program is not believed.
const MAX_SEGMENTS: usize = 256;
const MAX_DYNAMIC: u64 = 1024;
const MAX_CHAIN: u32 = 1 << 16;

/// Finds `_PyRuntime` by the dynamic symbols in memory, which a core has that was taken with
/// all of memory; else by the cookie with which it begins since 3.13.
pub(super) fn locate(core: &CoreFile) -> Option<PythonImage> {
    let program = core.program();
    let is_program = |path: &Path| program.as_deref() == Some(path);
    let mut images: Vec<(&Mapping, &Path)> = core
        .mappings()
        .iter()
        .filter(|mapping| mapping.is_file())
        .filter_map(|mapping| Some((mapping, mapping.path.as_deref()?)))
        .collect();
    images.sort_by_key(|(_, path)| (!is_program(path), !file_name(path).contains("python")));
    let found = |path: &Path, runtime, py_version, is_debug| PythonImage {
        file: path.to_path_buf(),
        linking: if is_program(path) {
            Linking::Static
        } else {
            Linking::Shared
        },
        runtime,
        py_version,
        version_hint: crate::python::version_in_path(path),
        is_debug,
    };
    let mut beginnings = images.iter().filter(|(mapping, _)| mapping.offset == 0);
    let by_symbol = beginnings.find_map(|(mapping, path)| {
        let mut image = Image::read(core.memory(), mapping.start).ok().flatten()?;
        let runtime = image.symbol("_PyRuntime").ok().flatten()?;
        let py_version = image.symbol("Py_Version").ok().flatten();
        let of_debug_builds = image.symbol(OF_DEBUG_BUILDS).ok().flatten();
        Some(found(path, runtime, py_version, of_debug_builds.is_some()))
    });
    by_symbol.or_else(|| {
        let mut data = images
            .iter()
            .filter(|(mapping, _)| mapping.permissions.writable);
        data.find_map(|(mapping, path)| {
            let runtime = cookie(core.memory(), mapping)?;
            Some(found(path, runtime, Some(runtime.offset(VERSION)), false))
        })
    })
}

/// Where the version stands behind the cookie, as a word like `Py_Version`.
const VERSION: u64 = 8;

/// The cookie, followed by a version of one word, on which whatever is found here will be
/// judged.
fn cookie(memory: &CoreMemory, mapping: &Mapping) -> Option<RemoteAddress> {
    let parts = memory.present(mapping.start.get()..mapping.end.get());
    let mut pages = parts.flat_map(|part| part.step_by(PAGE_SIZE));
    let mut page = vec![0; PAGE_SIZE];
    pages.find_map(|at| {
        memory.read_exact(RemoteAddress::new(at), &mut page).ok()?;
        let index = page.chunks_exact(8).position(|word| word == b"xdebugpy")?;
        let address = RemoteAddress::new(at).offset(index as u64 * 8);
        let mut version = [0; 8];
        memory
            .read_exact(address.offset(VERSION), &mut version)
            .ok()?;
        let version = u64::from_le_bytes(version);
        (version != 0 && u32::try_from(version).is_ok()).then_some(address)
    })
}

/// A program or library in memory, with the tables that the dynamic linker uses.
struct Image<'a> {
    memory: PageCache<&'a CoreMemory>,
    bias: u64,
    symbols: RemoteAddress,
    names: RemoteAddress,
    hash: RemoteAddress,
}

impl<'a> Image<'a> {
    /// `None` when what lies there is no image, or has no such tables.
    fn read(memory: &'a CoreMemory, start: RemoteAddress) -> Result<Option<Self>, Fault> {
        let mut image = Self {
            memory: PageCache::new(memory, 0),
            bias: 0,
            symbols: RemoteAddress::NULL,
            names: RemoteAddress::NULL,
            hash: RemoteAddress::NULL,
        };
        let header: FileHeader64<LE> = image.pod(start)?;
        if header.e_ident.magic != elf::ELFMAG || header.e_ident.class != elf::ELFCLASS64 {
            return Ok(None);
        }
        let mut dynamic = None;
        for i in 0..usize::from(header.e_phnum.get(LE)).min(MAX_SEGMENTS) {
            let at = (i * size_of::<ProgramHeader64<LE>>()) as u64;
            let table = start.offset(header.e_phoff.get(LE));
            let segment: ProgramHeader64<LE> = image.pod(table.offset(at))?;
            let address = segment.p_vaddr.get(LE);
            match segment.p_type.get(LE) {
                elf::PT_LOAD if segment.p_offset.get(LE) == 0 => {
                    image.bias = start.get().wrapping_sub(address);
                }
                elf::PT_DYNAMIC => dynamic = Some(address),
                _ => {}
            }
        }
        let Some(dynamic) = dynamic else {
            return Ok(None);
        };
        image.read_dynamic(RemoteAddress::new(image.bias.wrapping_add(dynamic)))?;
        let tables = [image.symbols, image.names, image.hash];
        Ok((!tables.contains(&RemoteAddress::NULL)).then_some(image))
    }

    fn read_dynamic(&mut self, dynamic: RemoteAddress) -> Result<(), Fault> {
        for i in 0..MAX_DYNAMIC {
            let entry: Dyn64<LE> = self.pod(dynamic.offset(i * size_of::<Dyn64<LE>>() as u64))?;
            let value = entry.d_val.get(LE);
            // glibc has put addresses here; other linkers leave what the file has.
            let address = if value < self.bias {
                self.bias.wrapping_add(value)
            } else {
                value
            };
            let address = RemoteAddress::new(address);
            match entry.d_tag.get(LE) {
                elf::DT_NULL => break,
                elf::DT_SYMTAB => self.symbols = address,
                elf::DT_STRTAB => self.names = address,
                elf::DT_GNU_HASH => self.hash = address,
                _ => {}
            }
        }
        Ok(())
    }

    /// Looks a symbol up as the dynamic linker does, in the GNU hash table: counts of buckets,
    /// of symbols that are left out and of words of a filter, which come first; the buckets;
    /// and for each symbol its hash, whose lowest bit ends a bucket.
    fn symbol(&mut self, name: &str) -> Result<Option<RemoteAddress>, Fault> {
        let [buckets, first, filter] = [0, 4, 8].map(|at| self.memory.u32(self.hash.offset(at)));
        let (buckets, first, filter) = (buckets?, first?, filter?);
        if buckets == 0 {
            return Ok(None);
        }
        let hash = elf::gnu_hash(name.as_bytes());
        let table = self.hash.offset(16 + u64::from(filter) * 8);
        let mut index = self
            .memory
            .u32(table.offset(u64::from(hash % buckets) * 4))?;
        let chain = table.offset(u64::from(buckets) * 4);
        for _ in 0..MAX_CHAIN {
            let Some(place) = index.checked_sub(first) else {
                break;
            };
            let found = self.memory.u32(chain.offset(u64::from(place) * 4))?;
            if found | 1 == hash | 1 {
                let at = u64::from(index) * size_of::<Sym64<LE>>() as u64;
                let symbol: Sym64<LE> = self.pod(self.symbols.offset(at))?;
                let at = self.names.offset(u64::from(symbol.st_name.get(LE)));
                if self.memory.c_string(at, name.len() + 1)? == name {
                    let address = self.bias.wrapping_add(symbol.st_value.get(LE));
                    return Ok(Some(RemoteAddress::new(address)));
                }
            }
            if found & 1 != 0 {
                break;
            }
            index = index.wrapping_add(1);
        }
        Ok(None)
    }

    fn pod<T: Pod>(&mut self, address: RemoteAddress) -> Result<T, Fault> {
        let length = size_of::<T>();
        let bytes = self.memory.bytes(address, length)?;
        match pod::from_bytes(&bytes) {
            Ok((value, _)) => Ok(*value),
            Err(()) => Err(Fault { address, length }),
        }
    }
}
