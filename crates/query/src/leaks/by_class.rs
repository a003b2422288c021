//! Many objects of one class, however they are held.

use super::{Finding, Question, Reason, survey::Survey};
use crate::Retained;
use exuvia_snapshot::{KindId, KindShape, ObjectId};

/// The part of the heap that the objects of a class keep together, in percent.
const SHARE: u64 = 10;

/// What a program is made of are some hundreds of each class in large applications: routes,
/// fields, columns. What comes with each request is soon more.
const MANY: usize = 1000;

/// Built-in types are in every heap: their objects are suspects only when they take this part of
/// it, in percent, and so many times the bytes of the program itself. In interpreters with much
/// imported, strings, the most common ones, take at most as many bytes as code, functions and
/// classes together.
const SHARE_OF_BUILTIN: u64 = 40;
const TIMES_THE_PROGRAM: u64 = 2;

pub(super) fn find(survey: &Survey<'_>) -> Vec<Finding> {
    let snapshot = survey.heap.snapshot();
    let mut of_kind: Vec<Vec<ObjectId>> = vec![Vec::new(); snapshot.kinds.len()];
    let mut program = 0u64;
    for object in survey.heap.liveness().alive.iter() {
        if survey.heap.is_synthetic(object) {
            continue;
        }
        if survey.is_program(object) {
            program = program.saturating_add(snapshot.objects.size[object.index()]);
        } else if let Some(members) = of_kind.get_mut(snapshot.objects.kind[object.index()].index())
        {
            members.push(object);
        }
    }
    let kinds = (0..).map(KindId).zip(of_kind);
    kinds
        .filter(|(_, members)| members.len() >= MANY)
        .filter_map(|(kind, members)| suspect(survey, kind, members, program))
        .collect()
}

fn suspect(
    survey: &Survey<'_>,
    kind: KindId,
    members: Vec<ObjectId>,
    program: u64,
) -> Option<Finding> {
    let snapshot = survey.heap.snapshot();
    let kind = snapshot.kinds.get(kind.index())?;
    // Dictionaries of instances are with their instances.
    if matches!(kind.shape, KindShape::DictOf(_)) {
        return None;
    }
    let of = snapshot.types.get(kind.type_id.index())?;
    let is_builtin = crate::type_names::is_builtin(of);
    let own = survey.sizes(members.iter().copied());
    if is_builtin {
        let least = program.saturating_mul(TIMES_THE_PROGRAM);
        if own < least || !survey.is_notable(own, SHARE_OF_BUILTIN) {
            return None;
        }
    }
    // A search for each kind would take long; the sum of what single members keep is a lower
    // bound of what all keep together, but for those that keep each other.
    let sum = members.iter().map(|&id| survey.dominators.retained(id));
    let sum = sum.fold(0, u64::saturating_add);
    if !survey.is_notable(sum, SHARE) {
        return None;
    }
    let keeps: Retained = survey.heap.retained_by(&members);
    if !survey.is_notable(keeps.extent.bytes, SHARE) {
        return None;
    }
    let name = crate::python_text::harmless(&kind.name).into_owned();
    Some(Finding {
        reason: Reason::Class,
        summary: format!("{} objects of {name} are alive", members.len()),
        evidence: vec![format!("they take {own} bytes themselves")],
        object: survey.heaviest(&members),
        keeps,
        next: vec![Question::new("paths", ["--kind", kind.name.as_str()])],
    })
}
