use crate::{Follow, follow::row};
use exuvia_snapshot::{ObjectId, References};

/// References against their direction: for each object, those that lead to it, in compressed
/// sparse rows.
///
/// It takes 4 bytes for each object and reference, and is built in time linear in both. Which
/// object holds a reference is looked up, so that no second column is needed.
#[derive(Debug, Clone)]
pub struct Reversed {
    /// By object: where its references stand in `places`; one more than objects.
    starts: Vec<u32>,
    /// Places in the columns of the references, those that lead to the same object together
    /// and in ascending order.
    places: Vec<u32>,
    /// For every [`BLOCK`]th place in the columns, the object that holds it.
    sources: Vec<u32>,
}

/// A reference that leads to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Incoming {
    /// Its place in the columns.
    pub place: usize,
    /// The object that holds it.
    pub source: ObjectId,
}

/// Between how many places the source is searched.
const BLOCK: usize = 64;

impl Reversed {
    /// Turns the references around of which `follow` tells.
    pub fn of(references: &References, follow: Follow) -> Self {
        let (rows, targets, ..) = references.columns();
        let objects = references.objects();
        // A target without a row has nowhere to be listed.
        let taken = |place: usize| {
            let target = targets[place].index();
            (target < objects && follow.takes(references, place)).then_some(target)
        };
        // First the counts, then where each row ends. Filling the rows from behind makes of
        // each end its start, and leaves the places in ascending order.
        let mut starts = vec![0u32; objects + 1];
        for target in (0..targets.len()).filter_map(taken) {
            starts[target] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut places = vec![0; sum as usize];
        for place in (0..targets.len()).rev() {
            if let Some(target) = taken(place) {
                starts[target] -= 1;
                places[starts[target] as usize] = place as u32;
            }
        }
        Self {
            starts,
            places,
            sources: sources(rows, targets.len()),
        }
    }

    /// The references to an object, in the order of the objects that hold them. `references`
    /// are those that were turned around.
    pub fn to<'a>(
        &'a self,
        references: &'a References,
        target: ObjectId,
    ) -> impl ExactSizeIterator<Item = Incoming> + 'a {
        let (rows, ..) = references.columns();
        self.places[row(&self.starts, target)]
            .iter()
            .map(move |&place| Incoming {
                place: place as usize,
                source: self.source(rows, place),
            })
    }

    /// How many references lead to an object.
    #[inline]
    pub fn count(&self, target: ObjectId) -> usize {
        row(&self.starts, target).len()
    }

    /// The object that holds a place: the last one whose row begins at or before it.
    #[inline]
    fn source(&self, rows: &[u32], place: u32) -> ObjectId {
        let block = place as usize / BLOCK;
        let first = self.sources[block] as usize;
        let last = self
            .sources
            .get(block + 1)
            .map_or(rows.len() - 2, |&last| last as usize);
        let after = rows[first + 1..=last].partition_point(|&start| start <= place);
        ObjectId((first + after) as u32)
    }
}

/// The objects that hold every [`BLOCK`]th place.
fn sources(rows: &[u32], places: usize) -> Vec<u32> {
    let mut sources = Vec::with_capacity(places.div_ceil(BLOCK));
    for (source, ends) in (0u32..).zip(rows.iter().skip(1)) {
        while sources.len() * BLOCK < *ends as usize {
            sources.push(source);
        }
    }
    sources
}
