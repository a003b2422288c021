use crate::BitSet;
use exuvia_snapshot::ObjectId;

/// Sorts objects of a level that are all different, when that pays.
///
/// The rows of neighbours lie beside each other, so that going through a large level in
/// ascending order reads the columns once from front to back instead of jumping in them,
/// which is several times faster on a heap whose references lead far away. A set that is
/// filled and read sorts in linear time; a small level is not worth reading it through.
#[derive(Debug, Default)]
pub(crate) struct Ascending {
    scratch: BitSet,
}

/// A level of fewer than one in so many objects is left as it is.
const SPARSE: usize = 64;

impl Ascending {
    pub(crate) fn sort(&mut self, level: &mut [ObjectId], objects: usize) {
        if level.len() < objects / SPARSE || level.is_sorted() {
            return;
        }
        if self.scratch.capacity() < objects {
            self.scratch = BitSet::new(objects);
        }
        self.scratch.extend(level.iter().copied());
        for (place, object) in level.iter_mut().zip(self.scratch.iter()) {
            *place = object;
        }
        self.scratch.clear();
    }
}
