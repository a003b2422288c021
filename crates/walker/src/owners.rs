//! Which interpreter each object belongs to, in a process that has several.

use crate::generations::Generations;
use crate::marks::{Marked, Marks};
use exuvia_memory::RemoteAddress;
use std::ops::Range;

/// The interpreter of each object, as an index into the interpreters: one bitmap for each
/// binary digit. A process with one interpreter needs none.
pub(crate) struct Owners {
    digits: Vec<Marks>,
}

impl Owners {
    /// All objects in these ranges belong to the first of so many interpreters.
    pub(crate) fn new(regions: &[Range<u64>], interpreters: usize) -> Self {
        let highest = interpreters.saturating_sub(1);
        let digits = usize::BITS - highest.leading_zeros();
        Self {
            digits: (0..digits).map(|_| Marks::new(regions)).collect(),
        }
    }

    /// Whether there are several interpreters.
    pub(crate) fn are_several(&self) -> bool {
        !self.digits.is_empty()
    }

    pub(crate) fn set(&self, object: RemoteAddress, owner: usize) {
        for (digit, marks) in self.digits.iter().enumerate() {
            if owner >> digit & 1 != 0 {
                marks.mark(object);
            }
        }
    }

    /// The interpreter that an object belongs to.
    pub(crate) fn get(&self, object: RemoteAddress) -> usize {
        let digits = self.digits.iter().enumerate();
        digits.fold(0, |owner, (digit, marks)| {
            owner | usize::from(marks.contains(object)) << digit
        })
    }
}

/// Marks objects for one interpreter: what is new belongs to it.
#[derive(Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) marks: &'a Marks,
    pub(crate) owners: &'a Owners,
    pub(crate) generations: &'a Generations,
    /// The index of the interpreter.
    pub(crate) owner: usize,
    /// The generation of what stands in the list at hand.
    pub(crate) generation: u8,
}

impl Claim<'_> {
    /// Marks an object.
    #[inline]
    pub(crate) fn mark(&self, object: RemoteAddress) -> Marked {
        let marked = self.marks.mark(object);
        if marked == Marked::Now {
            self.owners.set(object, self.owner);
        }
        marked
    }

    /// Marks an object that stands in a list of the interpreter's collector.
    pub(crate) fn mark_tracked(&self, object: RemoteAddress) -> Marked {
        let marked = self.marks.mark_tracked(object);
        if marked == Marked::Now {
            self.owners.set(object, self.owner);
            self.generations.set(object, self.generation);
        }
        marked
    }

    /// Marks objects; returns those that were not marked before.
    pub(crate) fn unmarked(
        &self,
        objects: impl Iterator<Item = RemoteAddress>,
    ) -> Vec<RemoteAddress> {
        objects
            .filter(|&object| self.mark(object) == Marked::Now)
            .collect()
    }

    /// Whether an object that was marked belongs to the interpreter.
    #[inline]
    pub(crate) fn has(&self, object: RemoteAddress) -> bool {
        !self.owners.are_several() || self.owners.get(object) == self.owner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generations::OLDEST;

    #[test]
    fn the_first_claim_counts() {
        let regions = std::slice::from_ref(&(0x10_0000..0x30_0000));
        let (marks, owners) = (Marks::new(regions), Owners::new(regions, 6));
        let generations = Generations::new(regions);
        let claim = |owner| Claim {
            marks: &marks,
            owners: &owners,
            generations: &generations,
            owner,
            generation: OLDEST,
        };
        let objects = [0x10_0010, 0x10_0020, 0x2f_fff0].map(RemoteAddress::new);
        for (object, owner) in objects.into_iter().zip([5, 0, 2]) {
            assert_eq!(claim(owner).mark(object), Marked::Now);
            assert_eq!(claim(3).mark(object), Marked::Before);
            assert_eq!(owners.get(object), owner);
            assert!(claim(owner).has(object) && !claim(3).has(object));
        }
        assert!(!Owners::new(regions, 1).are_several());
    }
}
