//! What only suspended generators and coroutines hold: their variables stay until somebody goes
//! on with them, or lets go of them.

use super::{Finding, Question, Reason, survey::Survey};
use crate::{python_text::harmless, threads::in_tasks};
use exuvia_snapshot::{ObjectId, SuspendedFrame};
use std::collections::BTreeMap;

/// The part of the heap that those at one line keep, in percent.
const SHARE: u64 = 5;

/// Tasks wait by design, and what they do is what the program does: that is a suspect only when
/// there are so many at one place that they pile up.
const MANY_TASKS: usize = 1000;

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    let in_tasks = in_tasks(survey.heap);
    let mut places: BTreeMap<_, Vec<&SuspendedFrame>> = BTreeMap::new();
    for frame in &survey.heap.snapshot().suspended {
        let is_in_task = in_tasks.contains(frame.object);
        let place = (is_in_task, &frame.file, frame.line, &frame.function);
        places.entry(place).or_default().push(frame);
    }
    let places = places.into_iter();
    let found =
        places.filter(|((is_in_task, ..), frames)| !is_in_task || frames.len() >= MANY_TASKS);
    found
        .filter_map(|((is_in_task, ..), frames)| suspect(survey, &frames, is_in_task))
        .collect()
}

fn suspect(survey: &Survey<'_>, frames: &[&SuspendedFrame], in_tasks: bool) -> Option<Finding> {
    let first = frames.first()?;
    let objects: Vec<ObjectId> = frames.iter().map(|frame| frame.object).collect();
    // What single ones keep is a lower bound, which costs no search.
    let sum = objects.iter().map(|&id| survey.dominators.retained(id));
    if !survey.is_notable(sum.fold(0, u64::saturating_add), SHARE) {
        return None;
    }
    let keeps = survey.heap.retained_by(&objects);
    if !survey.is_notable(keeps.extent.bytes, SHARE) {
        return None;
    }
    let kind = survey.kind(first.object);
    let (function, file) = (harmless(&first.function), harmless(&first.file));
    let place = format!("{function} ({file}, line {})", first.line);
    let count = objects.len();
    let waits = if count == 1 { "waits" } else { "wait" };
    let evidence = if in_tasks {
        "each belongs to a task of asyncio that is not done"
    } else {
        "nobody goes on with them, and their variables stay; close() lets go of them"
    };
    Some(Finding {
        reason: Reason::Suspended,
        summary: format!("{count} of {kind} {waits} in {place}"),
        evidence: vec![evidence.to_owned()],
        object: survey.heaviest(&objects),
        keeps,
        next: vec![Question::new("threads", ["--locals"])],
    })
}
