//! Where objects can lie.

use exuvia_tracee::Mappings;
use std::ops::Range;

/// Ranges of the target's addresses.
#[derive(Debug, Default)]
pub(super) struct Regions {
    /// Readable private memory.
    pub(super) readable: Vec<Range<u64>>,
    /// The part of it that belongs to images of programs and libraries.
    pub(super) images: Vec<Range<u64>>,
}

impl Regions {
    /// From the mappings of a process. Shared memory is left out: no Python object lies
    /// there, and a process may map gigabytes that it never touched.
    pub(super) fn of(mappings: &Mappings) -> Self {
        let mut regions = Self::default();
        // What a program leaves uninitialised follows its file as memory without one.
        let mut image_end = None;
        for mapping in mappings.iter() {
            let range = mapping.start.get()..mapping.end.get();
            let is_nameless = !mapping.is_file() && mapping.path.is_none();
            let is_image = mapping.is_file() || (is_nameless && image_end == Some(range.start));
            image_end = is_image.then_some(range.end);
            let permissions = mapping.permissions;
            if !permissions.readable || permissions.shared {
                continue;
            }
            if !mapping.is_file() && !mapping.is_private_anonymous() {
                continue;
            }
            if is_image {
                regions.images.push(range.clone());
            }
            regions.readable.push(range);
        }
        regions
    }
}
