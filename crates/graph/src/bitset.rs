use exuvia_snapshot::ObjectId;

const BITS: usize = u64::BITS as usize;

/// A set of objects, one bit for each object that there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BitSet {
    words: Vec<u64>,
    objects: usize,
}

impl BitSet {
    /// The empty set, with room for the objects `0..objects`.
    pub fn new(objects: usize) -> Self {
        Self {
            words: vec![0; objects.div_ceil(BITS)],
            objects,
        }
    }

    /// How many objects there is room for.
    pub fn capacity(&self) -> usize {
        self.objects
    }

    /// Whether an object is in the set.
    #[inline]
    pub fn contains(&self, object: ObjectId) -> bool {
        self.words
            .get(object.index() / BITS)
            .is_some_and(|word| word >> (object.index() % BITS) & 1 != 0)
    }

    /// Adds an object. Returns whether it is new to the set; an object for which there is
    /// no room never is.
    #[inline]
    pub fn insert(&mut self, object: ObjectId) -> bool {
        if object.index() >= self.objects {
            return false;
        }
        let word = &mut self.words[object.index() / BITS];
        let bit = 1 << (object.index() % BITS);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// How many objects are in the set.
    pub fn len(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Whether no object is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The objects of the set, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|&rest| rest != 0)
                .map(move |rest| ObjectId((index * BITS) as u32 + rest.trailing_zeros()))
        })
    }

    /// The objects that are in this set and not in another one.
    pub fn difference<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = ObjectId> + 'a {
        self.iter().filter(|&object| !other.contains(object))
    }

    /// Removes all objects.
    pub(crate) fn clear(&mut self) {
        self.words.fill(0);
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }
}

impl Extend<ObjectId> for BitSet {
    fn extend<I: IntoIterator<Item = ObjectId>>(&mut self, objects: I) {
        for object in objects {
            self.insert(object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_order_and_once() {
        let mut set = BitSet::new(200);
        for id in [199, 0, 63, 64, 65, 128, 0] {
            set.insert(ObjectId(id));
        }
        let members: Vec<u32> = set.iter().map(|object| object.0).collect();
        assert_eq!(members, [0, 63, 64, 65, 128, 199]);
        assert_eq!(set.len(), 6);
    }

    #[test]
    fn an_object_beyond_the_end_is_never_a_member() {
        let mut set = BitSet::new(70);
        assert!(!set.insert(ObjectId(70)));
        assert!(!set.contains(ObjectId(70)));
        assert!(!set.contains(ObjectId(u32::MAX)));
        assert!(set.is_empty());
    }
}
