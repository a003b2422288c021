//! Where objects can lie.

use exuvia_tracee::{CoreFile, Mappings};
use std::ops::Range;

/// Ranges of the target's addresses.
#[derive(Debug, Default)]
pub(super) struct Regions {
    /// Readable private memory.
    pub(super) readable: Vec<Range<u64>>,
    /// The part of it that is mapped from files: images of programs and libraries.
    pub(super) images: Vec<Range<u64>>,
}

impl Regions {
    /// From the mappings of a process. Shared memory is left out: no Python object lies
    /// there, and a process may map gigabytes that it never touched.
    pub(super) fn of(mappings: &Mappings) -> Self {
        Self::parts(mappings, |range| vec![range])
    }

    /// From a core, as far as there is anything to read.
    pub(super) fn of_core(core: &CoreFile) -> Self {
        Self::parts(core.mappings(), |range| {
            core.memory().present(range).collect()
        })
    }

    fn parts(mappings: &Mappings, parts: impl Fn(Range<u64>) -> Vec<Range<u64>>) -> Self {
        let mut regions = Self::default();
        for mapping in mappings.iter() {
            let range = mapping.start.get()..mapping.end.get();
            let permissions = mapping.permissions;
            if !permissions.readable || permissions.shared {
                continue;
            }
            if mapping.is_file() {
                regions.images.extend(parts(range.clone()));
                regions.readable.extend(parts(range));
            } else if mapping.is_private_anonymous() {
                regions.readable.extend(parts(range));
            }
        }
        regions
    }
}
