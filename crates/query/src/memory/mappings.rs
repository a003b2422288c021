//! What mappings are for, by what the kernel says of them.

use exuvia_snapshot::Mapping;
use std::collections::HashSet;

/// What a mapping is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MappingClass {
    /// Private, without a file: heaps, stacks, arenas.
    Anonymous,
    /// A program or library: one part of its file can be run.
    Image,
    /// Another file.
    File,
    /// Memory that other processes can see.
    Shared,
}

/// Bytes of some mappings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) bytes: u64,
    pub(super) proportional: u64,
}

/// Bytes of the mappings of each class.
#[derive(Debug, Default)]
pub(super) struct Sums([Sum; 4]);

impl Sums {
    pub(super) fn of(mappings: &[Mapping], is_resident: bool) -> Self {
        let runs = |mapping: &&Mapping| mapping.permissions.as_bytes().get(2) == Some(&b'x');
        let images: HashSet<&str> = mappings
            .iter()
            .filter(runs)
            .map(|mapping| mapping.path.as_str())
            .collect();
        let mut sums = Self::default();
        for mapping in mappings {
            let class = class(mapping, &images);
            let sum = &mut sums.0[class as usize];
            let (bytes, proportional) = match is_resident {
                true => (mapping.resident, mapping.proportional),
                // A core says how large a mapping was, and not what of it was there.
                false => (mapping.end - mapping.start, 0),
            };
            sum.bytes += bytes;
            sum.proportional += proportional;
        }
        sums
    }

    pub(super) fn of_class(&self, class: MappingClass) -> Sum {
        self.0[class as usize]
    }
}

impl Sum {
    /// What of some of these bytes is the process's share.
    pub(super) fn share(&self, bytes: u64) -> u64 {
        match self.bytes {
            0 => 0,
            all => (u128::from(bytes) * u128::from(self.proportional) / u128::from(all)) as u64,
        }
    }
}

fn class(mapping: &Mapping, images: &HashSet<&str>) -> MappingClass {
    let path = mapping.path.as_str();
    let is_shared = mapping.permissions.as_bytes().get(3) == Some(&b's');
    // Where the kernel keeps memory that has a file for its name only.
    let without_disk = [
        "/dev/shm/",
        "/dev/zero",
        "/memfd:",
        "/SYSV",
        "/[aio]",
        "/anon_hugepage",
    ];
    let is_memory = path.is_empty() || without_disk.iter().any(|start| path.starts_with(start));
    match path {
        _ if is_shared && is_memory => MappingClass::Shared,
        "" | "[heap]" => MappingClass::Anonymous,
        "[vdso]" | "[vvar]" | "[vvar_vclock]" | "[vsyscall]" | "[uprobes]" => MappingClass::Image,
        // `[stack]`, and names that a process has given (`PR_SET_VMA_ANON_NAME`).
        _ if path.starts_with('[') => MappingClass::Anonymous,
        _ if images.contains(path) => MappingClass::Image,
        _ => MappingClass::File,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_told_apart_by_their_files() {
        let mapping = |permissions: &str, path: &str| Mapping {
            permissions: permissions.to_owned(),
            path: path.to_owned(),
            ..Mapping::default()
        };
        let images = HashSet::from(["/usr/lib/libc.so.6"]);
        for (permissions, path, expected) in [
            ("rw-p", "", MappingClass::Anonymous),
            ("rw-p", "[heap]", MappingClass::Anonymous),
            ("rw-p", "[anon: arena]", MappingClass::Anonymous),
            ("r-xp", "[vdso]", MappingClass::Image),
            ("rw-p", "/usr/lib/libc.so.6", MappingClass::Image),
            ("r--p", "/usr/lib/locale/C.utf8", MappingClass::File),
            ("r--s", "/var/data.bin", MappingClass::File),
            ("rw-s", "", MappingClass::Shared),
            ("rw-s", "/dev/shm/plasma", MappingClass::Shared),
            ("rw-s", "/memfd:x (deleted)", MappingClass::Shared),
        ] {
            let found = class(&mapping(permissions, path), &images);
            assert_eq!(found, expected, "{permissions} {path}");
        }
    }
}
