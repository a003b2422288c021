use super::matching::{Candidates, Sides};
use super::steps::{Likeness, Steps};
use exuvia_snapshot::{ObjectId, Reference};
use std::collections::HashMap;

/// Rows of fewer references are compared one with each other, others through a table.
const FEW: usize = 16;

/// Confirms what the same root or the same holder has at the same place, and what that holds,
/// and so on.
pub(super) fn confirm(sides: &Sides<'_>, candidates: &mut Candidates) {
    let steps = Steps::of(sides);
    let mut left: Vec<ObjectId> = candidates.confirmed.iter().collect();
    for new in held_by_roots(sides, candidates) {
        if candidates.confirmed.insert(new) {
            left.push(new);
        }
    }
    let mut found = Vec::new();
    while let Some(new) = left.pop() {
        let Some(old) = candidates.pair(new) else {
            continue;
        };
        held(sides, &steps, candidates, (new, old), &mut found);
        for target in found.drain(..) {
            if candidates.confirmed.insert(target) {
                left.push(target);
            }
        }
    }
}

/// What a root of the same name holds in both, and what native code holds.
fn held_by_roots(sides: &Sides<'_>, candidates: &Candidates) -> Vec<ObjectId> {
    let mut old: HashMap<&str, Vec<ObjectId>> = HashMap::new();
    for root in &sides.old.snapshot().roots {
        old.entry(root.name.as_str()).or_default().push(root.target);
    }
    let roots = sides.new.snapshot().roots.iter();
    let roots = roots.filter(|root| {
        let before = old.get(root.name.as_str());
        let pair = candidates.pair(root.target);
        before.is_some_and(|before| pair.is_some_and(|pair| before.contains(&pair)))
    });
    // Native code has no places that could be told: what it holds at both times counts.
    let (was, is) = (sides.old.liveness(), sides.new.liveness());
    let native = is.holders.iter().copied().filter(|&new| {
        let pair = candidates.pair(new);
        pair.is_some_and(|old| was.holders.binary_search(&old).is_ok())
    });
    roots.map(|root| root.target).chain(native).collect()
}

/// What an object holds in both heaps at the same place.
fn held(
    sides: &Sides<'_>,
    steps: &Steps,
    candidates: &Candidates,
    (new, old): (ObjectId, ObjectId),
    found: &mut Vec<ObjectId>,
) {
    let snapshot = sides.new.snapshot();
    let before: Vec<Reference> = sides.old.snapshot().references.of(old).collect();
    let is_tuple = snapshot.type_of(new).name == "tuple";
    let alike = |is: &Reference, was: &Reference| {
        let pair = |id| candidates.pair(id);
        match steps.likeness(is.relation, was.relation, is_tuple, pair) {
            Likeness::Same => true,
            Likeness::Item => !candidates.doubtful.contains(is.target),
            Likeness::None => false,
        }
    };
    let mut by_target: HashMap<ObjectId, Vec<usize>> = HashMap::new();
    if before.len() > FEW {
        for (place, reference) in before.iter().enumerate() {
            by_target.entry(reference.target).or_default().push(place);
        }
    }
    for is in snapshot.references.of(new) {
        let Some(pair) = candidates.pair(is.target) else {
            continue;
        };
        if candidates.confirmed.contains(is.target) {
            continue;
        }
        let same = match before.len() > FEW {
            true => by_target
                .get(&pair)
                .is_some_and(|places| places.iter().any(|&place| alike(&is, &before[place]))),
            false => before
                .iter()
                .any(|was| was.target == pair && alike(&is, was)),
        };
        if same {
            found.push(is.target);
        }
    }
}
