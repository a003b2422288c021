use crate::{BitSet, Follow, ascending::Ascending, follow::row};
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
    let mut frontier: Vec<ObjectId> = seeds
        .into_iter()
        .filter(|&seed| reached.insert(seed))
        .collect();
    // In breadth and not in depth: the rows of a level don't depend on each other, so that
    // the processor fetches several at a time, and they can be taken in ascending order.
    let mut ascending = Ascending::default();
    let mut next = Vec::new();
    while !frontier.is_empty() {
        for &object in &frontier {
            for place in row(starts, object) {
                let target = targets[place];
                if follow.takes(references, place) && reached.insert(target) {
                    next.push(target);
                }
            }
        }
        frontier.clear();
        std::mem::swap(&mut frontier, &mut next);
        ascending.sort(&mut frontier, references.objects());
    }
}
