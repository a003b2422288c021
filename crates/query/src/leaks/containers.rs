//! Lists, dictionaries, sets and deques that are unusually large for their kind.

use super::{Finding, Reason, survey::Survey};
use exuvia_snapshot::{ObjectId, Relation};

/// The part of the heap that a container keeps, its own table included, in percent.
const SHARE: u64 = 5;

/// Tables that come with libraries have some thousands of entries: `html.entities.html5` 2,231,
/// a catalogue of translations about as many, the tables of `idna` 9,000.
const ENTRIES: usize = 10_000;

/// How many times as large as the median of its kind it is at least. Where containers of 10,000
/// entries are what the program works with, one more is nothing unusual.
const TIMES_THE_MEDIAN: usize = 100;

/// Containers that can grow.
const GROWING: [&str; 5] = ["dict", "list", "set", "collections.deque", "bytearray"];

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    GROWING
        .iter()
        .flat_map(|of| {
            let all = survey.alive_of(|id| survey.heap.derives(id, of));
            unusual(survey, &all)
        })
        .collect()
}

fn unusual(survey: &Survey<'_>, all: &[ObjectId]) -> Vec<Finding> {
    let mut lengths: Vec<usize> = all.iter().map(|&id| entries(survey, id)).collect();
    let large: Vec<_> = all
        .iter()
        .copied()
        .zip(lengths.iter().copied())
        .filter(|&(_, length)| length >= ENTRIES)
        .collect();
    lengths.sort_unstable();
    // The lower one of two, so that the only one of its kind is compared with nothing.
    let others = lengths.len().saturating_sub(1);
    let median = match others {
        0 => 0,
        others => lengths[(others - 1) / 2],
    };
    let is_unusual = |length: usize| length >= TIMES_THE_MEDIAN.saturating_mul(median);
    large
        .into_iter()
        .filter(|&(_, length)| is_unusual(length))
        .filter_map(|(id, length)| suspect(survey, id, length, median))
        .collect()
}

/// How many items a container holds.
fn entries(survey: &Survey<'_>, container: ObjectId) -> usize {
    let references = &survey.heap.snapshot().references;
    let range = references.range(container);
    if range.len() < ENTRIES {
        // Too few for a suspect, whatever they are: only the median needs them.
        return range.len();
    }
    let is_item = |relation| {
        matches!(
            relation,
            Relation::Index(_) | Relation::Value(_) | Relation::Member(_)
        )
    };
    references
        .of(container)
        .filter(|reference| is_item(reference.relation))
        .count()
}

fn suspect(
    survey: &Survey<'_>,
    container: ObjectId,
    length: usize,
    median: usize,
) -> Option<Finding> {
    if survey.is_program(container) {
        return None;
    }
    let retained = survey.dominators.retained(container);
    if !survey.is_notable(retained, SHARE) {
        return None;
    }
    let kind = survey.kind(container);
    let place = place(survey, container);
    Some(Finding {
        reason: Reason::Container,
        summary: format!("{place} has {length} entries"),
        evidence: vec![format!(
            "of the containers like it ({kind}), half have at most {median}"
        )],
        object: Some(container),
        keeps: survey.kept_by(container),
        next: Vec::new(),
    })
}

/// A container in words, by who holds it.
fn place(survey: &Survey<'_>, container: ObjectId) -> String {
    let kind = survey.kind(container);
    match super::survey::variable(survey, container) {
        Some(variable) => format!("{variable} ({kind})"),
        None => format!("one object of {kind}"),
    }
}
