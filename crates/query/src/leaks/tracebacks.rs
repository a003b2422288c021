//! What only tracebacks hold: an exception that is kept keeps the frames that it went through,
//! with all their variables.

use super::{Finding, Reason, survey::Survey, survey::counted};
use crate::python_text::harmless;
use exuvia_snapshot::ObjectId;

/// The part of the heap that they keep, in percent. Exceptions that are being handled keep what
/// their frames keep anyway while they run.
const SHARE: u64 = 5;

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    let heap = survey.heap;
    let tracebacks = survey.alive_named(&["traceback"]);
    let keeps = heap.retained_by(&tracebacks);
    if !survey.is_notable(keeps.extent.bytes, SHARE) {
        return Vec::new();
    }
    let exceptions = survey.alive_of(|of| heap.derives(of, "BaseException"));
    let exceptions: Vec<ObjectId> = exceptions
        .into_iter()
        .filter(|&exception| has_traceback(survey, exception))
        .collect();
    let heaviest = survey.heaviest(&exceptions);
    let mut evidence = Vec::new();
    if let Some(exception) = heaviest {
        evidence.push(format!(
            "the exception that keeps most is of {}{}",
            survey.kind(exception),
            raised(survey, exception)
        ));
    }
    evidence.push(
        "`error.__traceback__ = None`, or keeping its text instead, lets go of the variables"
            .to_owned(),
    );
    vec![Finding {
        reason: Reason::Traceback,
        summary: format!(
            "the tracebacks of {} keep the variables of the frames that they went through",
            counted(exceptions.len(), "exception")
        ),
        evidence,
        object: heaviest.or_else(|| survey.heaviest(&tracebacks)),
        keeps,
        next: Vec::new(),
    }]
}

fn has_traceback(survey: &Survey<'_>, exception: ObjectId) -> bool {
    let traceback = survey.heap.attribute(exception, "__traceback__");
    traceback.is_some_and(|one| survey.heap.snapshot().type_of(one).name == "traceback")
}

/// Where an exception was raised: the function of the last frame of its traceback.
fn raised(survey: &Survey<'_>, exception: ObjectId) -> String {
    let heap = survey.heap;
    let mut next = heap.attribute(exception, "__traceback__");
    let mut last = None;
    // Tracebacks are as deep as the stack was; crafted ones may go round.
    for _ in 0..100_000 {
        let Some(traceback) = next else { break };
        last = heap.attribute(traceback, "tb_frame").or(last);
        next = heap.attribute(traceback, "tb_next");
    }
    let code = last.and_then(|frame| heap.attribute(frame, "f_code"));
    let text = |field| heap.text_of(heap.attribute(code?, field)?);
    match (text("co_name"), text("co_filename")) {
        (Some(function), Some(file)) => {
            format!(", raised in {} of {}", harmless(&function), harmless(&file))
        }
        _ => String::new(),
    }
}
