use crate::{BitSet, Follow, follow::row};
use exuvia_snapshot::{ObjectId, References};

/// The objects that can be reached from some objects, these included.
///
/// Seeds may repeat; one that has no row is left out.
pub fn reachable(
    references: &References,
    seeds: impl IntoIterator<Item = ObjectId>,
    follow: Follow,
) -> BitSet {
    let mut reached = BitSet::new(references.objects());
    extend(&mut reached, references, seeds, follow);
    reached
}

/// Adds to a set what can be reached from further objects without passing through the set.
pub fn extend(
    reached: &mut BitSet,
    references: &References,
    seeds: impl IntoIterator<Item = ObjectId>,
    follow: Follow,
) {
    let (starts, targets, ..) = references.columns();
    let mut pending: Vec<ObjectId> = seeds
        .into_iter()
        .filter(|&seed| reached.insert(seed))
        .collect();
    while let Some(object) = pending.pop() {
        for place in row(starts, object) {
            let target = targets[place];
            if follow.takes(references, place) && reached.insert(target) {
                pending.push(target);
            }
        }
    }
}
