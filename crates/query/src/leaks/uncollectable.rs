//! `gc.garbage`: objects that the collector found and did not free.

use super::{Finding, Reason, survey::Survey};
use exuvia_snapshot::{ObjectId, Relation};

/// The list is empty in a healthy process: since Python 3.4 only extension types without a way to
/// break their cycles come there, and everything with `gc.DEBUG_SAVEALL`. So one entry is enough.
const ENTRIES: usize = 1;

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    let roots = survey.heap.snapshot().roots.iter();
    let mut lists: Vec<ObjectId> = roots
        .filter(|root| root.name.ends_with("gc_garbage"))
        .map(|root| root.target)
        .collect();
    lists.sort_unstable();
    lists.dedup();
    let found = lists.into_iter();
    found.filter_map(|list| suspect(survey, list)).collect()
}

fn suspect(survey: &Survey<'_>, list: ObjectId) -> Option<Finding> {
    let references = survey.heap.snapshot().references.of(list);
    let items = references.filter(|one| matches!(one.relation, Relation::Index(_)));
    let count = items.count();
    if count < ENTRIES {
        return None;
    }
    Some(Finding {
        reason: Reason::UncollectableGarbage,
        summary: format!(
            "gc.garbage holds {}",
            super::survey::counted(count, "object")
        ),
        evidence: vec![
            "the collector found them in cycles and could not free them, or was told not to \
             (gc.DEBUG_SAVEALL)"
                .to_owned(),
        ],
        object: Some(list),
        keeps: survey.heap.retained_by(&[list]),
        next: Vec::new(),
    })
}
