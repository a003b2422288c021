use super::contents::Types;
use super::matching::{Candidates, Sides};
use super::steps::{Likeness, Steps};
use crate::Heap;
use exuvia_snapshot::{ObjectId, Relation, TypeFlags};
use std::collections::HashSet;

/// Types of the module `builtins` whose references never change.
const FIXED: [&str; 4] = ["tuple", "frozenset", "slice", "method"];

/// How often containers in containers are gone through, at most. What is nested deeper in a
/// way that each pass finds only one level of is left as it is.
const PASSES: usize = 64;

/// So many values that only an object holds, all of them different, say that it is another
/// object, even if it is held at the same place. A single one changes often: a counter, a time.
/// It is enough where no place is known but that both are in one list.
const ALL_DIFFERENT: usize = 2;

/// Compares what objects consist of: takes out those that can't be the same, and confirms
/// those that hold a value that nothing else holds, and hold it still.
pub(super) fn compare(sides: &Sides<'_>, types: &Types, candidates: &mut Candidates) {
    let steps = Steps::of(sides);
    compare_instances(sides, types, &steps, candidates);
    compare_fixed(sides, candidates);
}

/// Instances of classes by the numbers and texts that only they hold.
fn compare_instances(sides: &Sides<'_>, types: &Types, steps: &Steps, candidates: &mut Candidates) {
    let snapshot = sides.new.snapshot();
    let mut same = Vec::new();
    let (mut others, mut doubtful) = (Vec::new(), Vec::new());
    for (new, old) in candidates.iter() {
        if !snapshot.type_of(new).flags.contains(TypeFlags::HEAP) {
            continue;
        }
        let (before, after) = (own(sides.old, old), own(sides.new, new));
        let agree = |&(is, value): &(Relation, ObjectId)| {
            let pair = candidates.pair(value);
            types.is_scalar(snapshot, value)
                && before.iter().any(|&(was, old)| {
                    pair == Some(old)
                        && steps.likeness(is, was, true, |id| candidates.pair(id)) == Likeness::Same
                })
        };
        let differ = |&(is, value): &(Relation, ObjectId)| {
            types.is_scalar(snapshot, value)
                && before.iter().any(|&(was, old)| {
                    candidates.pair(value) != Some(old)
                        && steps.likeness(is, was, true, |id| candidates.pair(id)) == Likeness::Same
                })
        };
        if after.iter().any(agree) {
            same.push(new);
            continue;
        }
        match after.iter().filter(|&part| differ(part)).count() {
            0 => {}
            ALL_DIFFERENT.. => others.push(new),
            _ => doubtful.push(new),
        }
    }
    candidates.confirmed.extend(same);
    candidates.doubtful.extend(doubtful);
    others.into_iter().for_each(|new| candidates.drop(new));
}

/// An instance has so many attributes at most that are compared.
const ATTRIBUTES: usize = 256;

/// What only an object holds, in attributes of its own or in its dictionary.
fn own(heap: &Heap, object: ObjectId) -> Vec<(Relation, ObjectId)> {
    let snapshot = heap.snapshot();
    let only = |id: ObjectId| snapshot.objects.refcount[id.index()] == 1;
    let mut own = Vec::new();
    for reference in snapshot.references.of(object).take(ATTRIBUTES) {
        match reference.relation {
            Relation::InstanceDict if only(reference.target) => {
                let entries = snapshot.references.of(reference.target).take(ATTRIBUTES);
                own.extend(
                    entries
                        .filter(|entry| matches!(entry.relation, Relation::Value(_)))
                        .filter(|entry| only(entry.target))
                        .map(|entry| (entry.relation, entry.target)),
                );
            }
            Relation::InlineAttribute(_) | Relation::Attribute(_)
                if only(reference.target) && !reference.weak =>
            {
                own.push((reference.relation, reference.target));
            }
            _ => {}
        }
    }
    own
}

/// Containers that never change refer to the same objects, as long as they live, and keep
/// these alive.
fn compare_fixed(sides: &Sides<'_>, candidates: &mut Candidates) {
    let snapshot = sides.new.snapshot();
    let fixed: Vec<bool> = snapshot
        .types
        .iter()
        .map(|t| t.module == "builtins" && FIXED.contains(&t.name.as_str()))
        .collect();
    let mut left: Vec<(ObjectId, ObjectId)> = candidates
        .iter()
        .filter(|&(new, _)| fixed[snapshot.kind(new).type_id.index()])
        .collect();
    for _ in 0..PASSES {
        let others: HashSet<ObjectId> = left
            .iter()
            .filter(|&&(new, old)| !refer_to_the_same(sides, candidates, new, old))
            .map(|&(new, _)| new)
            .collect();
        if others.is_empty() {
            return;
        }
        others.iter().for_each(|&new| candidates.drop(new));
        left.retain(|(new, _)| !others.contains(new));
    }
}

fn refer_to_the_same(
    sides: &Sides<'_>,
    candidates: &Candidates,
    new: ObjectId,
    old: ObjectId,
) -> bool {
    let after = sides.new.snapshot().references.of(new);
    let before = sides.old.snapshot().references.of(old);
    after.len() == before.len()
        && after
            .zip(before)
            .all(|(is, was)| candidates.pair(is.target) == Some(was.target))
}
