use crate::{Avoided, BitSet, Follow, ascending::Ascending, follow::row};
use exuvia_snapshot::{ObjectId, References};

/// One shortest path from some seeds to each of some objects, as a tree.
///
/// Where several paths are equally short, it is the one whose seeds come first, and then the
/// one that leads through what was met first: the same for the same snapshot.
#[derive(Debug, Clone)]
pub struct ShortestPathTree {
    visited: BitSet,
    /// By object, where it was visited: the one that refers to it, or [`NO_SOURCE`].
    sources: Vec<u32>,
    /// By object, where it was visited: the place of the reference, or the number of a seed.
    places: Vec<u32>,
    /// What was visited, the nearest first.
    order: Vec<ObjectId>,
    seeds: SeedNumbers,
}

/// Stands for the virtual root, which refers to seeds. A snapshot has fewer objects.
const NO_SOURCE: u32 = u32::MAX;

/// How a [`ShortestPathTree`] comes to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TreeEdge {
    /// It is a seed: the number of its group, and the position in it.
    Seed {
        /// The position of the group.
        group: usize,
        /// The position of the seed in the group.
        position: usize,
    },
    /// An object refers to it.
    Reference {
        /// That object.
        source: ObjectId,
        /// The place of the reference in the columns.
        place: u32,
    },
}

/// The search, while it is under way.
struct Search<'a> {
    tree: ShortestPathTree,
    references: &'a References,
    follow: Follow,
    avoided: &'a Avoided,
    targets: &'a BitSet,
    /// How many targets were not met yet.
    missing: usize,
    level: Vec<ObjectId>,
}

impl ShortestPathTree {
    /// Searches until every target is met, or nothing is left.
    ///
    /// Seeds come in groups: `farther` says of each how many steps it lies farther from the
    /// root than a group of 0, in ascending order, and `seeds` makes the objects of a group
    /// when the search comes to it. Groups that it does not need are never made.
    pub fn search(
        references: &References,
        (farther, mut seeds): (&[usize], impl FnMut(usize) -> Vec<ObjectId>),
        follow: Follow,
        targets: &BitSet,
        avoided: &Avoided,
    ) -> Self {
        let objects = references.objects();
        let mut search = Search {
            tree: Self {
                visited: avoided.visited(objects),
                // Zeroed pages cost nothing until they are written to.
                sources: vec![0; objects],
                places: vec![0; objects],
                order: Vec::new(),
                seeds: SeedNumbers::default(),
            },
            references,
            follow,
            avoided,
            missing: targets.difference(&avoided.visited(objects)).count(),
            targets,
            level: Vec::new(),
        };
        let mut groups = farther.iter().copied().enumerate().peekable();
        let mut distance = 0;
        let mut ascending = Ascending::default();
        while search.missing > 0 {
            if search.level.is_empty() {
                match groups.peek() {
                    Some(&(_, farther)) => distance = distance.max(farther),
                    None => break,
                }
            }
            while let Some((group, _)) = groups.next_if(|&(_, farther)| farther <= distance) {
                search.add_seeds(group, seeds(group));
            }
            search.next_level();
            ascending.sort(&mut search.level, objects);
            distance += 1;
        }
        search.tree
    }

    /// The objects that were visited, the nearest first; each after the one that the tree
    /// comes from.
    pub fn order(&self) -> &[ObjectId] {
        &self.order
    }

    /// How the tree comes to an object; none for one that it does not reach.
    pub fn edge_to(&self, object: ObjectId) -> Option<TreeEdge> {
        // What is to be avoided counts as visited, but has no edge.
        if !self.visited.contains(object) || self.places[object.index()] == 0 {
            return None;
        }
        let place = self.places[object.index()] - 1;
        Some(match self.sources[object.index()] {
            NO_SOURCE => {
                let (group, position) = self.seeds.find(place);
                TreeEdge::Seed { group, position }
            }
            source => TreeEdge::Reference {
                source: ObjectId(source),
                place,
            },
        })
    }
}

/// Which seeds belong to which group.
#[derive(Debug, Clone, Default)]
struct SeedNumbers {
    /// The number of the first seed of each group, and the group.
    starts: Vec<(u32, usize)>,
    next: u32,
}

impl SeedNumbers {
    fn find(&self, number: u32) -> (usize, usize) {
        let after = self.starts.partition_point(|&(start, _)| start <= number);
        let (start, group) = self.starts[after - 1];
        (group, (number - start) as usize)
    }
}

impl Search<'_> {
    fn add_seeds(&mut self, group: usize, seeds: Vec<ObjectId>) {
        let first = self.tree.seeds.next;
        self.tree.seeds.starts.push((first, group));
        for seed in seeds {
            let number = self.tree.seeds.next;
            self.tree.seeds.next += 1;
            self.visit(seed, NO_SOURCE, number);
        }
    }

    /// Goes from the objects of a level to those behind them.
    fn next_level(&mut self) {
        let (starts, targets, ..) = self.references.columns();
        let level = std::mem::take(&mut self.level);
        for &source in &level {
            if self.missing == 0 {
                return;
            }
            for place in row(starts, source) {
                if self.avoided.lets(self.follow, self.references, place) {
                    self.visit(targets[place], source.0, place as u32);
                }
            }
        }
    }

    fn visit(&mut self, object: ObjectId, source: u32, place: u32) {
        if self.tree.visited.insert(object) {
            self.tree.sources[object.index()] = source;
            // Never zero, which stands for none.
            self.tree.places[object.index()] = place + 1;
            self.tree.order.push(object);
            self.level.push(object);
            self.missing -= usize::from(self.targets.contains(object));
        }
    }
}
