use std::fs::File;
use std::path::{Path, PathBuf};

use crate::{Mapping, Pid, Process};

/// The files that a target maps: a running process and a core file find them in ways of
/// their own.
pub trait MappedFiles {
    /// The process, of now or then.
    fn pid(&self) -> Pid;

    /// The program among the mapped files, under the name that the mappings have for it.
    fn program(&self) -> Option<PathBuf>;

    /// What to call the program when its path is not known.
    fn short_name(&self) -> String;

    /// Opens the file behind a mapping, when it is the one that the target mapped.
    fn open_mapped(&self, mapping: &Mapping) -> Option<File>;
}

impl MappedFiles for Process {
    fn pid(&self) -> Pid {
        self.pid()
    }

    fn program(&self) -> Option<PathBuf> {
        self.executable().ok()
    }

    fn short_name(&self) -> String {
        self.name()
    }

    /// Through the target's own view: the file may live in a container, in a chroot, or be
    /// deleted since.
    fn open_mapped(&self, mapping: &Mapping) -> Option<File> {
        let (pid, path) = (self.pid(), mapping.path.as_deref()?);
        let text = path.to_str().unwrap_or_default();
        let (start, end) = (mapping.start, mapping.end);
        let mut places = vec![
            PathBuf::from(format!("/proc/{pid}/root{text}")),
            path.to_path_buf(),
            PathBuf::from(format!("/proc/{pid}/map_files/{start:x}-{end:x}")),
        ];
        if self.program().as_deref() == Some(path) {
            places.insert(0, PathBuf::from(format!("/proc/{pid}/exe")));
        }
        places.iter().find_map(|place| {
            // Some file systems of containers show another number in the list of mappings.
            let replaced = |inode| inode != mapping.inode && text.ends_with(" (deleted)");
            open_regular(place, |metadata| {
                !replaced(std::os::unix::fs::MetadataExt::ino(metadata))
            })
        })
    }
}

/// Opens a file, if it is a regular one that passes the test: opening anything else could
/// block, or do worse.
pub(crate) fn open_regular(
    path: &Path,
    passes: impl FnOnce(&std::fs::Metadata) -> bool,
) -> Option<File> {
    let metadata = std::fs::metadata(path).ok()?;
    (metadata.is_file() && passes(&metadata))
        .then(|| File::open(path).ok())
        .flatten()
}
