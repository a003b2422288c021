use crate::{Avoided, BitSet, Follow, ascending::Ascending, follow::row};
use exuvia_snapshot::{ObjectId, References};

/// Objects by their distance from some seeds, as far as a search went.
#[derive(Debug, Clone)]
pub struct BreadthFirst {
    visited: BitSet,
    /// The visited objects, the nearest first.
    order: Vec<ObjectId>,
    /// Where each level begins in `order`, and the end of the last one.
    starts: Vec<usize>,
}

impl BreadthFirst {
    /// Searches from the seeds, which are level 0, up to the first level that holds a
    /// member of `targets`, or to the end when none does.
    pub fn search(
        references: &References,
        seeds: impl IntoIterator<Item = ObjectId>,
        follow: Follow,
        targets: &BitSet,
    ) -> Self {
        Self::search_avoiding(references, seeds, follow, targets, &Avoided::default())
    }

    /// The same without some objects and references.
    pub fn search_avoiding(
        references: &References,
        seeds: impl IntoIterator<Item = ObjectId>,
        follow: Follow,
        targets: &BitSet,
        avoided: &Avoided,
    ) -> Self {
        let mut visited = avoided.visited(references.objects());
        let mut found = false;
        let order: Vec<ObjectId> = seeds
            .into_iter()
            .filter(|&seed| visited.insert(seed))
            .inspect(|&seed| found |= targets.contains(seed))
            .collect();
        let mut search = Self {
            visited,
            starts: vec![0, order.len()],
            order,
        };
        let mut ascending = Ascending::default();
        while !found && search.next_level(references, (follow, avoided), targets, &mut found) {
            let level = search.last_level();
            ascending.sort(&mut search.order[level], references.objects());
        }
        search
    }

    /// Visits the level after the last one; `false` when it is empty.
    fn next_level(
        &mut self,
        references: &References,
        (follow, avoided): (Follow, &Avoided),
        targets: &BitSet,
        found: &mut bool,
    ) -> bool {
        let (starts, edges, ..) = references.columns();
        let end = self.order.len();
        for position in self.last_level() {
            for place in row(starts, self.order[position]) {
                let target = edges[place];
                if avoided.lets(follow, references, place) && self.visited.insert(target) {
                    *found |= targets.contains(target);
                    self.order.push(target);
                }
            }
        }
        let grown = self.order.len() > end;
        if grown {
            self.starts.push(self.order.len());
        }
        grown
    }

    fn last_level(&self) -> std::ops::Range<usize> {
        match *self.starts {
            [.., start, end] => start..end,
            _ => 0..0,
        }
    }

    /// The objects that were visited, and those to be avoided.
    pub fn visited(&self) -> &BitSet {
        &self.visited
    }

    /// How many levels were visited, that of the seeds included.
    pub fn depth(&self) -> usize {
        self.starts.len() - 1
    }

    /// The objects of each level, from the seeds on.
    pub fn levels(&self) -> impl DoubleEndedIterator<Item = &[ObjectId]> + ExactSizeIterator {
        self.starts
            .windows(2)
            .map(|ends| &self.order[ends[0]..ends[1]])
    }
}
