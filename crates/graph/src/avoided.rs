use crate::{BitSet, Follow};
use exuvia_snapshot::{ObjectId, References};

/// What a search does not use: objects that it does not enter, and references that it does
/// not go along.
#[derive(Debug, Clone, Default)]
pub struct Avoided {
    objects: Vec<ObjectId>,
    /// Places of references in the columns, ascending.
    places: Vec<u32>,
}

impl Avoided {
    /// Some objects, and the references at some places in the columns.
    pub fn new(objects: Vec<ObjectId>, mut places: Vec<u32>) -> Self {
        places.sort_unstable();
        places.dedup();
        Self { objects, places }
    }

    /// The objects.
    pub fn objects(&self) -> &[ObjectId] {
        &self.objects
    }

    /// The places of the references, ascending.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// Objects that count as visited before a search begins, so that it never enters them.
    pub(crate) fn visited(&self, objects: usize) -> BitSet {
        let mut visited = BitSet::new(objects);
        visited.extend(self.objects.iter().copied());
        visited
    }

    /// Whether a search that follows some references goes along the one at a place.
    #[inline]
    pub(crate) fn lets(&self, follow: Follow, references: &References, place: usize) -> bool {
        follow.takes(references, place)
            && (self.places.is_empty()
                || u32::try_from(place)
                    .is_ok_and(|place| self.places.binary_search(&place).is_err()))
    }
}
