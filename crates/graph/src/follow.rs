use exuvia_snapshot::{ObjectId, References};
use std::ops::Range;

/// Which references an algorithm goes along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Follow {
    /// Those that keep their target alive.
    #[default]
    Strong,
    /// Weak ones as well.
    All,
}

impl Follow {
    /// Whether the reference at a place in the columns is one of them.
    #[inline]
    pub(crate) fn takes(self, references: &References, place: usize) -> bool {
        match self {
            Self::Strong => !references.is_weak(place),
            Self::All => true,
        }
    }
}

/// Where the references of an object stand; nowhere for an object without a row.
#[inline]
pub(crate) fn row(starts: &[u32], object: ObjectId) -> Range<usize> {
    match starts.get(object.index()..object.index() + 2) {
        Some(&[start, end]) => start as usize..end as usize,
        _ => 0..0,
    }
}
