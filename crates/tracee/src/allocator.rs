//! Which allocator is behind the `malloc` of a process.

use std::path::Path;

use exuvia_memory::RemoteAddress;

use crate::symbols::{file_name, images};
use crate::{MappedFiles, Mappings};

/// The allocator behind `malloc`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CAllocator {
    /// That of the GNU C library.
    Glibc {
        /// `struct mallinfo2 mallinfo2(void)`, of glibc 2.33 and later.
        mallinfo2: Option<RemoteAddress>,
    },
    /// That of musl.
    Musl,
    /// One that takes the place of the C library's, by its name.
    Other(&'static str),
    /// No sign of any.
    Unknown,
}

/// What the files of allocators are called, and a function that each exports under its own name.
const OTHERS: [(&str, &str, &str); 3] = [
    ("jemalloc", "libjemalloc", "mallctl"),
    ("mimalloc", "libmimalloc", "mi_malloc"),
    ("tcmalloc", "libtcmalloc", "tc_malloc"),
];

impl CAllocator {
    /// Finds the allocator of a target by the files that it maps: a library of one that is made to
    /// take the place of `malloc`, or the program itself with one built in; else the C library.
    pub fn find(files: &dyn MappedFiles, mappings: &Mappings) -> Self {
        let images = images(files, mappings);
        let by_name = |path: &Path| {
            let name = file_name(path);
            OTHERS.iter().find(|(_, file, _)| name.starts_with(file))
        };
        if let Some((name, ..)) = images.iter().find_map(|image| by_name(image.path)) {
            return Self::Other(name);
        }
        let program = images.iter().find(|image| image.is_executable);
        if let Some(program) = program.and_then(|image| image.open())
            && let Some((name, ..)) = OTHERS.iter().find(|(.., symbol)| program.exports(symbol))
        {
            return Self::Other(name);
        }
        for image in &images {
            let name = file_name(image.path);
            if name.starts_with("ld-musl") || name.starts_with("libc.musl") {
                return Self::Musl;
            }
            let is_c_library = name.starts_with("libc.so") || name.starts_with("libc-2.");
            let Some(elf) = image.open().filter(|_| is_c_library) else {
                continue;
            };
            // musl has no such function, under whatever name its file goes.
            if !elf.exports("gnu_get_libc_version") {
                return Self::Musl;
            }
            let [mallinfo2] = elf.symbols(["mallinfo2"]);
            return Self::Glibc {
                mallinfo2: mallinfo2.and_then(|address| image.address(&elf, address)),
            };
        }
        Self::Unknown
    }
}
