use crate::owners::Owners;
use exuvia_memory::RemoteAddress;
use std::ops::Range;

/// In which of the collector's lists each tracked object stands.
///
/// Most stand in that of the oldest generation, which is the one without a mark, so that little
/// memory is needed.
pub(crate) struct Generations(Owners);

/// The number of the oldest generation.
pub(crate) const OLDEST: u8 = 2;
/// The number of the list of what is never collected.
pub(crate) const PERMANENT: u8 = 3;

impl Generations {
    /// All objects in these ranges stand in the oldest generation.
    pub(crate) fn new(regions: &[Range<u64>]) -> Self {
        Self(Owners::new(regions, usize::from(PERMANENT) + 1))
    }

    pub(crate) fn set(&self, object: RemoteAddress, generation: u8) {
        self.0.set(object, usize::from(generation ^ OLDEST));
    }

    /// The generation of a tracked object.
    pub(crate) fn get(&self, object: RemoteAddress) -> u8 {
        self.0.get(object) as u8 ^ OLDEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_old_until_it_is_said_otherwise() {
        let generations = Generations::new(std::slice::from_ref(&(0x10_0000..0x30_0000)));
        let objects = [0x10_0010, 0x10_0020, 0x10_0030, 0x2f_fff0].map(RemoteAddress::new);
        for (object, generation) in objects.into_iter().zip(0..) {
            assert_eq!(generations.get(object), OLDEST);
            generations.set(object, generation);
        }
        assert_eq!(objects.map(|object| generations.get(object)), [0, 1, 2, 3]);
    }
}
