//! Where objects can lie.

use crate::views::units;
use exuvia_snapshot::Diagnostic;
use exuvia_tracee::{CoreFile, Mapping, Mappings};
use exuvia_walker::{Absent, AbsentReason, StaticData};
use std::ops::Range;
use std::path::PathBuf;

/// Ranges of the target's addresses.
#[derive(Debug, Default)]
pub(super) struct Regions {
    /// Readable private memory.
    pub(super) readable: Vec<Range<u64>>,
    /// The part of it that is mapped from files: images of programs and libraries.
    pub(super) images: Vec<Range<u64>>,
    /// The writable part of those, with the zeroed memory behind them.
    pub(super) data: Vec<StaticData>,
    /// Memory of the process that is not read.
    pub(super) absent: Vec<Absent>,
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
        // The file that was mapped last, where its first mapping begins, and where its last
        // one ends.
        let mut file = None;
        for mapping in mappings.iter() {
            let range = mapping.start.get()..mapping.end.get();
            let is_image = file_of(mapping, &mut file);
            let permissions = mapping.permissions;
            if permissions.readable && permissions.shared {
                regions.absent.push(Absent {
                    range,
                    reason: AbsentReason::Shared,
                });
                continue;
            }
            if !permissions.readable {
                continue;
            }
            if is_image
                && permissions.writable
                && let Some(file) = &file
            {
                regions.data.push(StaticData {
                    range: range.clone(),
                    image: file.name.clone(),
                    base: file.base,
                });
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

impl Regions {
    /// Says in the diagnostics of memory that is not read how much of it there is.
    pub(super) fn tell_sizes(&self, diagnostics: &mut [Diagnostic]) {
        for diagnostic in diagnostics {
            let reason = match diagnostic.code.as_str() {
                "shared-memory" => AbsentReason::Shared,
                "not-copied" => AbsentReason::NotCopied,
                "wiped-in-copy" => AbsentReason::Wiped,
                _ => continue,
            };
            let alike = self.absent.iter().filter(|absent| absent.reason == reason);
            let sizes = alike.map(|absent| absent.range.end - absent.range.start);
            let bytes = units::bytes(sizes.fold(0, u64::saturating_add));
            diagnostic.message.push_str(&format!("; {bytes} of it"));
        }
    }

    /// Adds what a clone has as zeros only.
    pub(super) fn add_wiped(&mut self, wiped: Vec<Range<u64>>) {
        let reason = AbsentReason::Wiped;
        let wiped = wiped.into_iter().map(|range| Absent { range, reason });
        self.absent.extend(wiped);
    }

    /// Adds what a process had before its clone was made and still has, but not the clone.
    pub(super) fn add_not_copied(&mut self, before: &Mappings, after: &Mappings, clone: &Mappings) {
        let kept = before.iter().filter(|mapping| {
            let same = after.containing(mapping.start);
            mapping.permissions.readable
                && mapping.is_private_anonymous()
                && same.is_some_and(|same| same.start == mapping.start && same.end == mapping.end)
                && clone.containing(mapping.start).is_none()
        });
        self.absent.extend(kept.map(|mapping| Absent {
            range: mapping.start.get()..mapping.end.get(),
            reason: AbsentReason::NotCopied,
        }));
    }
}

/// A file that is mapped, perhaps in several pieces, one behind the other.
struct File {
    path: PathBuf,
    name: String,
    base: u64,
    end: u64,
}

/// Keeps the file that was mapped last; returns whether the mapping is of that file, or the
/// zeroed memory right behind its data.
fn file_of(mapping: &Mapping, file: &mut Option<File>) -> bool {
    let (start, end) = (mapping.start.get(), mapping.end.get());
    if mapping.is_file()
        && let Some(path) = &mapping.path
    {
        match file {
            Some(file) if file.path == *path => file.end = end,
            _ => {
                let name = path.file_name().unwrap_or_default();
                *file = Some(File {
                    name: name.to_string_lossy().into_owned(),
                    path: path.clone(),
                    base: start.saturating_sub(mapping.offset),
                    end,
                });
            }
        }
        return true;
    }
    mapping.path.is_none() && file.as_ref().is_some_and(|file| file.end == start)
}
