use crate::{Follow, follow::row};
use exuvia_snapshot::{ObjectId, References};

/// For every object, how many references to it some sources hold, parallel ones each.
pub fn incoming(
    references: &References,
    sources: impl IntoIterator<Item = ObjectId>,
    follow: Follow,
) -> Vec<u32> {
    let (starts, targets, ..) = references.columns();
    // Zeroed pages cost nothing until they are written to.
    let mut counts = vec![0u32; references.objects()];
    for source in sources {
        for place in row(starts, source) {
            if follow.takes(references, place)
                && let Some(count) = counts.get_mut(targets[place].index())
            {
                *count = count.saturating_add(1);
            }
        }
    }
    counts
}
