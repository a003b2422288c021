use std::path::{Path, PathBuf};

use exuvia_memory::RemoteAddress;

use crate::elf::ElfFile;
use crate::{MappedFiles, Mapping, Mappings};

/// Where a symbol of a mapped file is in the target's memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SymbolLocation {
    /// Its address.
    pub address: RemoteAddress,
    /// The file that defines it, as the target sees it.
    pub file: PathBuf,
}

/// Finds a symbol in the files that a target maps: in its program and in libpython first,
/// then in all others.
pub fn find_symbol(
    files: &dyn MappedFiles,
    mappings: &Mappings,
    name: &str,
) -> Option<SymbolLocation> {
    images(files, mappings).into_iter().find_map(|image| {
        let elf = image.open()?;
        let [address] = elf.symbols([name]);
        Some(SymbolLocation {
            address: image.address(&elf, address?)?,
            file: image.path.to_path_buf(),
        })
    })
}

/// Finds symbols that belong together: in the first file, in the same order, that defines the
/// first of them.
pub fn find_symbols<const N: usize>(
    files: &dyn MappedFiles,
    mappings: &Mappings,
    names: [&str; N],
) -> [Option<RemoteAddress>; N] {
    for image in images(files, mappings) {
        let Some(elf) = image.open() else {
            continue;
        };
        let found = elf.symbols(names);
        if found.first().is_some_and(Option::is_some) {
            return found.map(|address| image.address(&elf, address?));
        }
    }
    [None; N]
}

/// A file that a target maps, by its lowest mapping.
pub(crate) struct Image<'a> {
    files: &'a dyn MappedFiles,
    pub(crate) path: &'a Path,
    mapping: &'a Mapping,
    pub(crate) is_executable: bool,
}

/// The mapped files of a target: its program, then what is called libpython, then others.
pub(crate) fn images<'a>(files: &'a dyn MappedFiles, mappings: &'a Mappings) -> Vec<Image<'a>> {
    let executable = files.program();
    let mut images: Vec<Image<'a>> = Vec::new();
    for mapping in mappings {
        let Some(path) = mapping.path.as_deref().filter(|_| mapping.is_file()) else {
            continue;
        };
        // The mappings of one file are next to each other, or nearly so.
        if images.iter().rev().any(|image| image.path == path) {
            continue;
        }
        images.push(Image {
            files,
            path,
            mapping,
            is_executable: executable.as_deref() == Some(path),
        });
    }
    images.sort_by_key(|image| match file_name(image.path) {
        _ if image.is_executable => 0,
        name if name.starts_with("libpython") => 1,
        // Programs that carry their libraries along give them names of their own.
        name if name.contains("python") => 2,
        _ => 3,
    });
    images
}

impl Image<'_> {
    /// Opens the file, where the target finds it.
    pub(crate) fn open(&self) -> Option<ElfFile> {
        ElfFile::open(self.files.open_mapped(self.mapping)?)
    }

    /// The address in the target of what the file has at `address`.
    pub(crate) fn address(&self, elf: &ElfFile, address: u64) -> Option<RemoteAddress> {
        let bias = elf.bias(self.mapping.start.get(), self.mapping.offset)?;
        Some(RemoteAddress::new(bias.wrapping_add(address)))
    }
}

pub(crate) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.trim_end_matches(" (deleted)").to_owned()
}
