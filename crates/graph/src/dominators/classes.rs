use super::DominatorTree;
use crate::{Follow, ascending::Ascending, follow::row};
use exuvia_snapshot::{ObjectId, References};

/// How many classes are looked at together: one bit each.
const TOGETHER: usize = u64::BITS as usize;

/// What each of some classes of objects keeps alive: the bytes that would be freed if all of
/// its members went, these included.
///
/// The members of a class may keep together what none of them keeps alone, so that the
/// dominator tree does not tell. An object stays if some way leads to it that avoids the class:
/// a search carries a bit for each of 64 classes that says so.
///
/// `tree` is that of the same references and seeds. `class` gives the class of an object, below
/// `classes`, if it is of any.
pub fn retained_by_class(
    references: &References,
    seeds: &[ObjectId],
    follow: Follow,
    tree: &DominatorTree,
    classes: usize,
    class: impl Fn(ObjectId) -> Option<usize>,
    size: impl Fn(ObjectId) -> u64,
) -> Vec<u64> {
    let mut retained = vec![0u64; classes];
    for first in (0..classes).step_by(TOGETHER) {
        let together = TOGETHER.min(classes - first);
        let all = u64::MAX >> (TOGETHER - together);
        let own = |object| {
            let place = class(object).and_then(|class| class.checked_sub(first));
            place
                .filter(|&place| place < together)
                .map_or(0, |place| 1 << place)
        };
        let ways = ways_around(references, seeds, follow, all, own);
        for (object, &ways) in (0..).map(ObjectId).zip(&ways) {
            let mut kept = all & !ways | own(object);
            // Nobody keeps what no seed reaches.
            if kept == 0 || tree.node(object).is_none() {
                continue;
            }
            while kept != 0 {
                let sum = &mut retained[first + kept.trailing_zeros() as usize];
                *sum = sum.saturating_add(size(object));
                kept &= kept - 1;
            }
        }
    }
    retained
}

/// For each object the classes around which a way from the seeds leads to it, and the one that
/// it is of itself.
fn ways_around(
    references: &References,
    seeds: &[ObjectId],
    follow: Follow,
    all: u64,
    own: impl Fn(ObjectId) -> u64,
) -> Vec<u64> {
    let (starts, targets, ..) = references.columns();
    let objects = references.objects();
    // What an object's own class has no way to counts as known, so that none is ever found.
    let mut ways: Vec<u64> = (0..objects as u32).map(|id| own(ObjectId(id))).collect();
    // The ways of an object that its referents have not been told.
    let mut fresh = vec![0u64; objects];
    let mut frontier = Vec::new();
    let mut next = Vec::new();
    let mut tell = |object: ObjectId, told: u64, next: &mut Vec<ObjectId>, fresh: &mut [u64]| {
        let Some(known) = ways.get_mut(object.index()) else {
            return;
        };
        let new = told & !*known;
        if new != 0 {
            *known |= new;
            if fresh[object.index()] == 0 {
                next.push(object);
            }
            fresh[object.index()] |= new;
        }
    };
    for &seed in seeds {
        tell(seed, all, &mut frontier, &mut fresh);
    }
    let mut ascending = Ascending::default();
    while !frontier.is_empty() {
        ascending.sort(&mut frontier, objects);
        for &object in &frontier {
            let told = std::mem::take(&mut fresh[object.index()]);
            for place in row(starts, object) {
                if follow.takes(references, place) {
                    tell(targets[place], told, &mut next, &mut fresh);
                }
            }
        }
        frontier.clear();
        std::mem::swap(&mut frontier, &mut next);
    }
    ways
}
