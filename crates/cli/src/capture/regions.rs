//! Where objects can lie.

use crate::views::units;
use exuvia_memory::Memory;
use exuvia_snapshot::Diagnostic;
use exuvia_tracee::{CoreFile, Mappings, static_variables};
use exuvia_walker::{Absent, AbsentReason, StaticData};
use std::ops::Range;

/// Ranges of the target's addresses.
#[derive(Debug, Default)]
pub(super) struct Regions {
    /// Readable private memory.
    pub(super) readable: Vec<Range<u64>>,
    /// The part of it that is mapped from files, images of programs and libraries, with the
    /// zeroed variables behind their data. By address.
    pub(super) images: Vec<Range<u64>>,
    /// Where those have variables, by address.
    pub(super) data: Vec<StaticData>,
    /// Memory of the process that is not read.
    pub(super) absent: Vec<Absent>,
}

impl Regions {
    /// From the mappings of a process. Shared memory is left out: no Python object lies
    /// there, and a process may map gigabytes that it never touched.
    pub(super) fn of(memory: &impl Memory, mappings: &Mappings) -> Self {
        Self::parts(memory, mappings, |range| vec![range])
    }

    /// From a core, as far as there is anything to read.
    pub(super) fn of_core(core: &CoreFile) -> Self {
        Self::parts(core.memory(), core.mappings(), |range| {
            core.memory().present(range).collect()
        })
    }

    fn parts(
        memory: &impl Memory,
        mappings: &Mappings,
        parts: impl Fn(Range<u64>) -> Vec<Range<u64>>,
    ) -> Self {
        let mut regions = Self::default();
        for mapping in mappings.iter() {
            let range = mapping.start.get()..mapping.end.get();
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
            if mapping.is_file() {
                regions.images.extend(parts(range.clone()));
                regions.readable.extend(parts(range));
            } else if mapping.is_private_anonymous() {
                regions.readable.extend(parts(range));
            }
        }
        for variables in static_variables(memory, mappings) {
            let name = variables.file.file_name().unwrap_or_default();
            regions
                .data
                .extend(parts(variables.range).into_iter().map(|range| StaticData {
                    range,
                    image: name.to_string_lossy().into_owned(),
                    base: variables.bias,
                }));
        }
        regions.add_zeroed_variables();
        regions
    }

    /// Adds to the images what lies behind their files: variables that begin as zeros.
    fn add_zeroed_variables(&mut self) {
        let mut zeroed = Vec::new();
        let mut files = self.images.iter().peekable();
        for StaticData { range, .. } in &self.data {
            while files.next_if(|file| file.end <= range.start).is_some() {}
            // A mapping has the whole page on which the file ends.
            let is_of_file = files.peek().is_some_and(|file| file.contains(&range.start));
            if !is_of_file {
                zeroed.push(range.clone());
            }
        }
        self.images.extend(zeroed);
        self.images.sort_unstable_by_key(|image| image.start);
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
