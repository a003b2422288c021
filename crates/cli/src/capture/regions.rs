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
        Self::where_any(mappings, |_| true)
    }

    /// From a core, as far as there is anything to read.
    pub(super) fn of_core(core: &CoreFile) -> Self {
        Self::where_any(core.mappings(), |range| core.memory().has_any(range))
    }

    fn where_any(mappings: &Mappings, is_there: impl Fn(Range<u64>) -> bool) -> Self {
        let mut regions = Self::default();
        for mapping in mappings.iter() {
            let range = mapping.start.get()..mapping.end.get();
            let permissions = mapping.permissions;
            if !permissions.readable || permissions.shared || !is_there(range.clone()) {
                continue;
            }
            if mapping.is_file() {
                regions.images.push(range.clone());
                regions.readable.push(range);
            } else if mapping.is_private_anonymous() {
                regions.readable.push(range);
            }
        }
        regions
    }
}
