//! Garbage in cycles that waits for the collector, when there is more of it than there should be.

use super::{Finding, Reason, survey::Survey};
use crate::{Extent, Retained};

/// How much garbage there is at least, in percent of the live bytes. The collector looks at its
/// oldest generation when a quarter as many objects have survived as are in it
/// (`long_lived_pending`, `Python/gc.c`), so that up to a quarter of the heap may wait in a
/// healthy process, and what was made since the last look at the young ones.
const SHARE: u64 = 40;

/// And in bytes, so that the garbage of starting a program is none.
const LEAST: u64 = 8 << 20;

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    let heap = survey.heap;
    let alive = &heap.liveness().alive;
    let objects = heap.snapshot().objects.ids();
    let objects: Vec<_> = objects
        .filter(|&id| !alive.contains(id) && !heap.is_synthetic(id))
        .collect();
    let extent = Extent {
        objects: objects.len() as u64,
        bytes: survey.sizes(objects.iter().copied()),
    };
    if extent.bytes < LEAST || !survey.is_notable(extent.bytes, SHARE) {
        return Vec::new();
    }
    vec![Finding {
        reason: Reason::CyclicGarbage,
        summary: format!(
            "{} objects are garbage in cycles and wait for the collector",
            extent.objects
        ),
        evidence: vec![
            "it would be less if the collector ran: is it switched off (gc.disable, gc.freeze), \
             or are its thresholds high?"
                .to_owned(),
        ],
        object: None,
        keeps: Retained { objects, extent },
        next: Vec::new(),
    }]
}
