//! Objects that only their bound methods hold: listeners and callbacks that were registered, and
//! never taken out.

use super::{Finding, Reason, survey::Survey, survey::counted};
use crate::instance_repr;
use exuvia_snapshot::ObjectId;
use std::collections::BTreeMap;

/// The part of the heap that the methods in one registry keep, in percent.
const SHARE: u64 = 5;

/// A program registers some hundreds of its own methods at most: signals, routes, commands.
const MANY: usize = 500;

/// A single one is a suspect like any object that keeps a large part, in percent.
const SHARE_OF_FEW: u64 = 10;

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    let mut registries: BTreeMap<Option<ObjectId>, Vec<ObjectId>> = BTreeMap::new();
    for method in survey.alive_named(&["method"]) {
        if keeps_itself(survey, method) {
            let registry = survey.dominators.immediate_dominator(method);
            registries.entry(registry).or_default().push(method);
        }
    }
    let found = registries.into_iter();
    found
        .filter_map(|(registry, methods)| suspect(survey, registry, &methods))
        .collect()
}

/// Whether a method is all that keeps its object.
fn keeps_itself(survey: &Survey<'_>, method: ObjectId) -> bool {
    let object = survey.heap.attribute(method, "__self__");
    object.is_some_and(|object| {
        !survey.is_program(object) && survey.dominators.dominates(method, object)
    })
}

fn suspect(
    survey: &Survey<'_>,
    registry: Option<ObjectId>,
    methods: &[ObjectId],
) -> Option<Finding> {
    let sum = methods.iter().map(|&id| survey.dominators.retained(id));
    let sum = sum.fold(0, u64::saturating_add);
    let share = if methods.len() < MANY {
        SHARE_OF_FEW
    } else {
        SHARE
    };
    // What a method keeps alone is what all keep, since none of them keeps another's object.
    if !survey.is_notable(sum, share) {
        return None;
    }
    let keeps = survey.heap.retained_by(methods);
    let heaviest = survey.heaviest(methods)?;
    let function = survey.heap.attribute(heaviest, "__func__");
    let function = function.map(|function| instance_repr::instance_repr(survey.heap, function));
    let registry = registry.map(|registry| {
        format!(
            "they are in one object of {} at {:#x}",
            survey.kind(registry),
            survey.address(registry)
        )
    });
    let keep = if methods.len() == 1 { "keeps" } else { "keep" };
    Some(Finding {
        reason: Reason::BoundMethod,
        summary: format!(
            "{} {keep} objects alive that nothing else holds{}",
            counted(methods.len(), "bound method"),
            function.map_or_else(String::new, |function| format!(": {function}"))
        ),
        evidence: registry
            .into_iter()
            .chain(["weakref.WeakMethod, or taking them out, lets go of the objects".to_owned()])
            .collect(),
        object: Some(heaviest),
        keeps,
        next: Vec::new(),
    })
}
