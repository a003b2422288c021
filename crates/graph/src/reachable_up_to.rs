use crate::{BitSet, Follow, follow::row};
use exuvia_snapshot::{ObjectId, References};

/// The objects that can be reached from some objects, these included, on ways that end at
/// `barrier`: what is in the barrier is reached, but nothing is reached through it.
pub fn reachable_up_to(
    references: &References,
    seeds: impl IntoIterator<Item = ObjectId>,
    follow: Follow,
    barrier: &BitSet,
) -> BitSet {
    let (starts, targets, ..) = references.columns();
    let mut reached = BitSet::new(references.objects());
    let mut left: Vec<ObjectId> = seeds
        .into_iter()
        .filter(|&seed| reached.insert(seed) && !barrier.contains(seed))
        .collect();
    while let Some(object) = left.pop() {
        for place in row(starts, object) {
            let target = targets[place];
            if follow.takes(references, place)
                && reached.insert(target)
                && !barrier.contains(target)
            {
                left.push(target);
            }
        }
    }
    reached
}
