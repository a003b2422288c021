//! What only functions hold that are registered for the end of the process.

use super::{Finding, Reason, survey::Survey, survey::counted};
use exuvia_snapshot::{ObjectId, Relation};

/// The part of the heap that they keep, in percent.
const SHARE: u64 = 5;

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    let callbacks = callbacks(survey);
    let keeps = survey.heap.retained_by(&callbacks);
    if !survey.is_notable(keeps.extent.bytes, SHARE) {
        return Vec::new();
    }
    vec![Finding {
        reason: Reason::Atexit,
        summary: format!(
            "functions registered with atexit, and their arguments, are all that keeps {}",
            counted(keeps.objects.len(), "object")
        ),
        evidence: vec![
            "they stay until the process ends; atexit.unregister lets go of them".to_owned(),
        ],
        object: survey.heaviest(&callbacks),
        keeps,
        next: Vec::new(),
    }]
}

/// The functions and their arguments.
fn callbacks(survey: &Survey<'_>) -> Vec<ObjectId> {
    let snapshot = survey.heap.snapshot();
    // In the state of the interpreter from 3.10 on; from 3.14 on as a list.
    let roots = snapshot.roots.iter();
    let roots = roots.filter(|root| root.name.contains("atexit"));
    let mut found: Vec<ObjectId> = roots.map(|root| root.target).collect();
    // In the state of the module up to 3.9.
    let modules = survey.alive_named(&["module"]).into_iter();
    let modules = modules.filter(|&module| {
        let name = survey.heap.attribute(module, "__name__");
        let name = name.and_then(|name| survey.heap.text_of(name));
        name.as_deref() == Some("atexit")
    });
    for module in modules {
        let references = snapshot.references.of(module);
        let own = references.filter(|one| matches!(one.relation, Relation::Numbered(_)));
        found.extend(own.map(|one| one.target));
    }
    // Functions and modules are there anyway, with all that they know.
    found.retain(|&object| !survey.is_program(object));
    found.sort_unstable();
    found.dedup();
    found
}
