use super::places::Place;
use exuvia_snapshot::ObjectId;
use rustc_hash::{FxHashMap, FxHashSet};

/// Which words of the objects of a type can be told apart by what they lead to: where two words
/// lead to the same object in every sample, what a getter returns does not tell which of them it
/// reads.
#[derive(Default)]
pub(super) struct Apart {
    /// The group of each word that was met. Words of the same group are not told apart yet.
    groups: FxHashMap<u16, usize>,
    /// How many words are in each group.
    sizes: Vec<usize>,
}

impl Apart {
    /// Whether an object tells words apart that nothing has told apart so far.
    pub(super) fn is_advanced_by(
        &self,
        places: &[Place],
        target: impl Fn(&Place) -> ObjectId,
    ) -> bool {
        if self.groups.len() == self.sizes.len() {
            return false;
        }
        let mut first = FxHashMap::default();
        places.iter().any(|place| {
            let group = self.groups.get(&place.word);
            group.is_some_and(|&group| {
                self.sizes[group] > 1
                    && *first.entry(group).or_insert(target(place)) != target(place)
            })
        })
    }

    /// Adds an object. A word that it does not have stays where it is.
    pub(super) fn add(&mut self, places: &[Place], target: impl Fn(&Place) -> ObjectId) {
        if self.sizes.is_empty() {
            self.sizes.push(0);
        }
        // The words of a group that lead to the same object stay together: the first of them
        // where they are, each of the others in a group of their own.
        let mut together = FxHashMap::default();
        let mut has_first = FxHashSet::default();
        for place in places {
            let was = *self.groups.entry(place.word).or_insert_with(|| {
                self.sizes[0] += 1;
                0
            });
            let group = *together.entry((was, target(place))).or_insert_with(|| {
                if has_first.insert(was) {
                    return was;
                }
                self.sizes.push(0);
                self.sizes.len() - 1
            });
            self.sizes[was] -= 1;
            self.sizes[group] += 1;
            self.groups.insert(place.word, group);
        }
    }
}
