//! Objects that only native code holds: no root leads to them, but their reference counts are
//! larger than the references that were found. An extension that forgets a `Py_DECREF` looks like
//! that.

use super::{Finding, Reason, survey::Survey, survey::counted};
use crate::python_text::harmless;
use exuvia_snapshot::{ObjectId, Relation, RootCategory};
use std::collections::{BTreeMap, BTreeSet};

/// The part of the heap that those of one kind keep, in percent.
const SHARE: u64 = 5;

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    let explained = explained(survey);
    let mut of_kind: BTreeMap<String, Vec<ObjectId>> = BTreeMap::new();
    for &holder in &survey.heap.liveness().holders {
        if !explained.contains(&holder) && !survey.interned.contains(&holder) {
            of_kind.entry(survey.kind(holder)).or_default().push(holder);
        }
    }
    let found = of_kind.into_iter();
    found
        .filter_map(|(kind, holders)| suspect(survey, &kind, &holders))
        .collect()
}

fn suspect(survey: &Survey<'_>, kind: &str, holders: &[ObjectId]) -> Option<Finding> {
    let keeps = survey.heap.retained_by(holders);
    if !survey.is_notable(keeps.extent.bytes, SHARE) {
        return None;
    }
    let heaviest = survey.heaviest(holders)?;
    let snapshot = survey.heap.snapshot();
    let variable = snapshot
        .roots
        .iter()
        .find(|root| root.category == RootCategory::Variable && root.target == heaviest);
    let count = snapshot.objects.refcount[heaviest.index()];
    let mut evidence = vec![format!(
        "their reference counts are larger than the references that were found; the one that \
         keeps most has {count}"
    )];
    evidence.extend(
        variable.map(|root| format!("a variable of C code leads to it: {}", harmless(&root.name))),
    );
    Some(Finding {
        reason: Reason::Native,
        summary: format!(
            "native code holds {} of {kind} that no root leads to",
            counted(holders.len(), "object")
        ),
        evidence,
        object: Some(heaviest),
        keeps,
        next: Vec::new(),
    })
}

/// What lies on the evaluation stack of a running frame: that is who holds it.
fn explained(survey: &Survey<'_>) -> BTreeSet<ObjectId> {
    let snapshot = survey.heap.snapshot();
    let frames = snapshot.frames.iter();
    let references = frames.flat_map(|frame| snapshot.references.of(frame.object));
    let stack = references.filter(|one| matches!(one.relation, Relation::Stack(_)));
    stack.map(|one| one.target).collect()
}
