use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use exuvia_memory::RemoteAddress;

use crate::elf::ElfFile;
use crate::{Mapping, Mappings, Process};

/// Where a symbol of a mapped file is in the target's memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SymbolLocation {
    /// Its address.
    pub address: RemoteAddress,
    /// The file that defines it, as the target sees it.
    pub file: PathBuf,
}

/// Finds a symbol in the files that a process maps: in its program and in libpython first,
/// then in all others.
pub fn find_symbol(process: &Process, mappings: &Mappings, name: &str) -> Option<SymbolLocation> {
    images(process, mappings).into_iter().find_map(|image| {
        let elf = image.open()?;
        let [address] = elf.symbols([name]);
        Some(SymbolLocation {
            address: image.address(&elf, address?)?,
            file: image.path.to_path_buf(),
        })
    })
}

/// A file that a process maps, by its lowest mapping.
pub(crate) struct Image<'a> {
    process: &'a Process,
    pub(crate) path: &'a Path,
    mapping: &'a Mapping,
    pub(crate) is_executable: bool,
}

/// The mapped files of a process: its program, then what is called libpython, then others.
pub(crate) fn images<'a>(process: &'a Process, mappings: &'a Mappings) -> Vec<Image<'a>> {
    let executable = process.executable().ok();
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
            process,
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
    /// Opens the file, through the target's own view: it may live in a container, in a
    /// chroot, or be deleted since.
    pub(crate) fn open(&self) -> Option<ElfFile> {
        let pid = self.process.pid();
        let (start, end) = (self.mapping.start, self.mapping.end);
        let path = self.path.to_str().unwrap_or_default();
        let root = format!("/proc/{pid}/root");
        let mut places = vec![
            PathBuf::from(root + path),
            self.path.to_path_buf(),
            PathBuf::from(format!("/proc/{pid}/map_files/{start:x}-{end:x}")),
        ];
        if self.is_executable {
            places.insert(0, PathBuf::from(format!("/proc/{pid}/exe")));
        }
        places.iter().find_map(|place| {
            // Opening anything but a regular file could block, or do worse.
            let metadata = std::fs::metadata(place)
                .ok()
                .filter(|file| file.is_file())?;
            let same = metadata.ino() == self.mapping.inode;
            // Some file systems of containers show another number in the list of mappings.
            let replaced = !same && path.ends_with(" (deleted)");
            if replaced {
                return None;
            }
            ElfFile::open(File::open(place).ok()?)
        })
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
