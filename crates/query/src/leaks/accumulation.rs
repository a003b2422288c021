//! Objects that keep a large part of the heap, as Eclipse's Memory Analyzer looks for them: from
//! the roots down the tree of dominators, as long as a child still keeps a large part.

use super::{Finding, Reason, survey::Survey, survey::counted};
use exuvia_snapshot::ObjectId;

/// The part of the heap that a suspect keeps, in percent. That is Memory Analyzer's figure.
const SHARE: u64 = 10;

/// What has this many parts grows while the program runs. Routes, settings, models and fields of
/// a large application are some hundreds in one place.
const MANY: usize = 1000;

/// Containers that grow. What is in them counts as parts of what they are parts of: a list for each
/// user in one dictionary leaks like one list of all.
const GROWING: [&str; 4] = ["dict", "list", "set", "collections.deque"];

/// An object of this size is a buffer or a large table, not what a program is made of.
const LARGE: u64 = 64 << 10;

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    let threshold = (survey.alive.bytes / 100 * SHARE).max(super::survey::LEAST);
    let mut found = Vec::new();
    let mut next: Vec<ObjectId> = heavy_children(survey, None, threshold);
    // Every object that keeps so much is looked at: they are a path for each suspect.
    while let Some(object) = next.pop() {
        let below = heavy_children(survey, Some(object), threshold);
        found.extend(at(survey, object, threshold));
        next.extend(below);
    }
    found
}

fn heavy_children(survey: &Survey<'_>, parent: Option<ObjectId>, threshold: u64) -> Vec<ObjectId> {
    let children = survey.dominators.children(parent);
    children
        .filter(|&child| survey.dominators.retained(child) >= threshold)
        .collect()
}

/// The object as a suspect, if what it keeps comes together here: not in a child, and not as part
/// of the program.
fn at(survey: &Survey<'_>, object: ObjectId, threshold: u64) -> Option<Finding> {
    let dominators = survey.dominators;
    let size = |id: ObjectId| match survey.is_program(id) {
        true => 0,
        false => survey.heap.snapshot().objects.size[id.index()],
    };
    let own = size(object);
    let parts = dominators.children(Some(object));
    let parts: Vec<ObjectId> = parts
        .filter(|&part| dominators.retained(part) < threshold && !survey.is_program(part))
        .collect();
    let in_parts = parts.iter().map(|&part| dominators.retained(part));
    let here = in_parts.fold(own, u64::saturating_add);
    if here < threshold {
        return None;
    }
    let sizes = parts.iter().copied().chain([object]).map(size);
    let large: u64 = sizes.filter(|&size| size >= LARGE).sum();
    // A module or class dominates what several of its variables share. That there are many of
    // one class says more then.
    let all: usize = parts.iter().map(|&part| pieces(survey, part)).sum();
    let are_many = !survey.is_program(object) && all >= MANY;
    if !are_many && large < here / 2 {
        return None;
    }
    let kind = survey.kind(object);
    let summary = match all {
        0 => format!("one object of {kind} takes {own} bytes"),
        all => format!(
            "one object of {kind} keeps {} alive",
            counted(all, "other object")
        ),
    };
    Some(Finding {
        reason: Reason::Accumulation,
        summary,
        evidence: vec![format!(
            "no object below it keeps as much: here {here} bytes come together"
        )],
        object: Some(object),
        keeps: survey.kept_by(object),
        next: Vec::new(),
    })
}

/// How many parts a part counts as: as many as it has itself, if it is a container that grows.
fn pieces(survey: &Survey<'_>, part: ObjectId) -> usize {
    let type_id = survey.heap.snapshot().kind(part).type_id;
    if !GROWING.iter().any(|of| survey.heap.derives(type_id, of)) {
        return 1;
    }
    let inside = survey.dominators.children(Some(part));
    inside.filter(|&one| !survey.is_program(one)).count().max(1)
}
