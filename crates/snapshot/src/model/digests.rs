use crate::ObjectId;

/// Digests of the whole contents of texts and bytes of which only the beginning was kept: two
/// with equal digests are equal, but for one chance in 2^64.
///
/// They are made under a key that nobody keeps, so that they tell nothing else: not what the
/// contents are, nor whether those of another snapshot are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digests {
    objects: Vec<ObjectId>,
    digests: Vec<u64>,
}

impl Digests {
    /// Adds the digest of an object; objects come in ascending order.
    pub fn push(&mut self, object: ObjectId, digest: u64) {
        debug_assert!(self.objects.last().is_none_or(|&last| last < object));
        self.objects.push(object);
        self.digests.push(digest);
    }

    /// Adds all digests of another table, whose objects come after the ones here.
    pub fn append(&mut self, other: &Self) {
        self.objects.extend_from_slice(&other.objects);
        self.digests.extend_from_slice(&other.digests);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The digest of an object, if there is one.
    pub fn get(&self, object: ObjectId) -> Option<u64> {
        let row = self.objects.binary_search(&object).ok()?;
        Some(self.digests[row])
    }

    /// The objects that have one, in ascending order, and their digests.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ObjectId, u64)> {
        self.objects
            .iter()
            .copied()
            .zip(self.digests.iter().copied())
    }

    pub(crate) fn row(&self, row: usize) -> (ObjectId, u64) {
        (self.objects[row], self.digests[row])
    }
}
