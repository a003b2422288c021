//! `Thread` objects of threads that have ended: what they carry stays as long as they do.

use super::{Finding, Question, Reason, survey::Survey, survey::counted};
use exuvia_snapshot::ObjectId;
use std::collections::BTreeSet;

/// The part of the heap that they keep, in percent.
const SHARE: u64 = 5;

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    let heap = survey.heap;
    let running = running(survey);
    let threads = survey.alive_of(|of| heap.derives(of, "threading.Thread"));
    let mut ended: Vec<ObjectId> = threads
        .into_iter()
        .filter(|thread| !running.contains(thread) && was_started(survey, *thread))
        .collect();
    let keeps = heap.retained_by(&ended);
    if !survey.is_notable(keeps.extent.bytes, SHARE) {
        return Vec::new();
    }
    ended.sort_by_key(|&thread| std::cmp::Reverse(survey.dominators.retained(thread)));
    let names: Vec<String> = ended
        .iter()
        .filter_map(|&thread| heap.text_of(heap.attribute(thread, "_name")?))
        .take(3)
        .map(|name| format!("'{}'", crate::python_text::harmless(&name)))
        .collect();
    let are = if ended.len() == 1 { "is" } else { "are" };
    vec![Finding {
        reason: Reason::EndedThread,
        summary: format!(
            "{} of threads that have ended {are} still there, with what belongs to them",
            counted(ended.len(), "Thread object")
        ),
        evidence: vec![format!("those that keep most: {}", names.join(", "))],
        object: ended.first().copied(),
        keeps,
        next: vec![Question::new("threads", [])],
    }]
}

/// The `Thread` objects of threads that run: `threading._active` has them by `ident`, and
/// `_limbo` those that are being started.
fn running(survey: &Survey<'_>) -> BTreeSet<ObjectId> {
    let heap = survey.heap;
    let mut running = BTreeSet::new();
    let interpreters: BTreeSet<u32> = heap
        .snapshot()
        .threads
        .iter()
        .map(|thread| thread.interpreter)
        .collect();
    for interpreter in interpreters {
        let Some(module) = heap.module(interpreter, "threading") else {
            continue;
        };
        for name in ["_active", "_limbo"] {
            if let Some(dict) = heap.attribute(module, name) {
                running.extend(heap.items(dict).map(|(_, thread)| thread));
            }
        }
    }
    running
}

/// Whether a thread has ever run: it has a number then.
fn was_started(survey: &Survey<'_>, thread: ObjectId) -> bool {
    let ident = survey.heap.attribute(thread, "_ident");
    ident.is_some_and(|ident| survey.heap.snapshot().type_of(ident).name == "int")
}
