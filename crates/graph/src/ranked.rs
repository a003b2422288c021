use crate::BitSet;
use exuvia_snapshot::ObjectId;

/// A set whose members are numbered from 0 in ascending order, so that a column about them
/// needs no room for other objects.
#[derive(Debug, Clone)]
pub struct RankedBitSet {
    set: BitSet,
    /// For each word of the set, how many members come before it.
    before: Vec<u32>,
}

impl RankedBitSet {
    /// Numbers the members of a set.
    pub fn new(set: BitSet) -> Self {
        let before = set
            .words()
            .iter()
            .scan(0u32, |members, word| {
                let before = *members;
                *members += word.count_ones();
                Some(before)
            })
            .collect();
        Self { set, before }
    }

    /// The set.
    pub fn set(&self) -> &BitSet {
        &self.set
    }

    /// The number of a member; none for other objects.
    #[inline]
    pub fn rank(&self, object: ObjectId) -> Option<usize> {
        let (index, bit) = (object.index() / 64, object.index() % 64);
        let word = *self.set.words().get(index)?;
        let below = (word & ((1 << bit) - 1)).count_ones();
        (word >> bit & 1 != 0).then(|| (self.before[index] + below) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_positions_in_ascending_order() {
        let mut set = BitSet::new(300);
        set.extend([3, 63, 64, 130, 255, 299].map(ObjectId));
        let ranked = RankedBitSet::new(set.clone());
        for (position, member) in set.iter().enumerate() {
            assert_eq!(ranked.rank(member), Some(position));
        }
        assert_eq!(ranked.rank(ObjectId(4)), None);
        assert_eq!(ranked.rank(ObjectId(300)), None);
    }
}
