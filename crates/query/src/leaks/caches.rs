//! Caches of `functools` without a bound: `lru_cache(maxsize=None)`, `cache`.

use super::{Finding, Reason, mentions, survey::Survey};
use crate::instance_repr;
use exuvia_snapshot::ObjectId;

/// The part of the heap that a cache keeps, in percent.
const SHARE: u64 = 5;

/// What is computed once for each of a program's own things are some hundreds.
const ENTRIES: usize = 1000;

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    let caches = survey.alive_named(&["functools._lru_cache_wrapper"]);
    let found = caches.into_iter();
    found.filter_map(|cache| suspect(survey, cache)).collect()
}

fn suspect(survey: &Survey<'_>, cache: ObjectId) -> Option<Finding> {
    let retained = survey.dominators.retained(cache);
    if !survey.is_notable(retained, SHARE) {
        return None;
    }
    let heap = survey.heap;
    let table = heap.attribute(cache, "cache")?;
    // A cache with a bound keeps its results in links of a list.
    let is_link = |value| heap.is_instance(value, "functools._lru_list_elem");
    let mut entries = 0;
    for (_, value) in heap.items(table) {
        if is_link(value) {
            return None;
        }
        entries += 1;
    }
    if entries < ENTRIES {
        return None;
    }
    let function = heap.attribute(cache, "func");
    let definition = function.and_then(|function| mentions::definition(survey, function));
    let function = function.map(|function| instance_repr::instance_repr(heap, function));
    let of = function.map_or_else(String::new, |function| format!(" of {function}"));
    Some(Finding {
        reason: Reason::Cache,
        summary: format!("a cache without a bound (maxsize=None){of} has {entries} entries"),
        evidence: [
            "nothing is ever taken out of it; give it a maxsize, or keep the arguments fewer"
                .to_owned(),
        ]
        .into_iter()
        .chain(definition)
        .collect(),
        object: Some(cache),
        keeps: survey.kept_by(cache),
        next: Vec::new(),
    })
}
