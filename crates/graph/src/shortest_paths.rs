use crate::{Avoided, BitSet, BreadthFirst, Follow, RankedBitSet, Walks, follow::row};
use exuvia_snapshot::{ObjectId, References};

/// All shortest paths from some seeds to the nearest members of a set, as a graph: the
/// objects on these paths, and the references along which the paths go.
///
/// A path begins with a seed, which is an edge from a virtual root, and each of several
/// references between the same two objects makes a path of its own.
#[derive(Debug, Clone)]
pub struct ShortestPathGraph {
    nodes: RankedBitSet,
    /// Seeds on a shortest path; `place` is the position among all seeds.
    seeds: Vec<PathEdge>,
    /// By the rank of the source: where its edges begin in `edges`; one more than nodes.
    starts: Vec<u32>,
    edges: Vec<PathEdge>,
    length: usize,
    count: PathCount,
}

/// An edge of a [`ShortestPathGraph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PathEdge {
    /// The position of a seed, or the place of a reference in the columns.
    pub place: u32,
    /// The object to which it leads.
    pub target: ObjectId,
}

/// A number of paths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PathCount {
    /// The number, or the largest one of its type when there are more.
    pub paths: u128,
    /// Whether there are more.
    pub saturated: bool,
}

impl From<u128> for PathCount {
    fn from(paths: u128) -> Self {
        Self {
            paths,
            saturated: paths == u128::MAX,
        }
    }
}

impl ShortestPathGraph {
    /// The shortest paths from seeds to members of `targets`; `None` when there is no path.
    ///
    /// Every seed counts, also one that repeats.
    pub fn search(
        references: &References,
        seeds: &[ObjectId],
        follow: Follow,
        targets: &BitSet,
    ) -> Option<Self> {
        Self::search_avoiding(references, seeds, follow, targets, &Avoided::default())
    }

    /// The same without some objects and references.
    pub fn search_avoiding(
        references: &References,
        seeds: &[ObjectId],
        follow: Follow,
        targets: &BitSet,
        avoided: &Avoided,
    ) -> Option<Self> {
        let from = seeds.iter().copied();
        let search = BreadthFirst::search_avoiding(references, from, follow, targets, avoided);
        let usable = |place: usize| avoided.lets(follow, references, place);
        let levels = Levels::leading_to(targets, search, references, usable)?;
        Some(levels.graph(references, seeds, usable))
    }

    /// How many edges each path has, that from the virtual root included.
    pub fn length(&self) -> usize {
        self.length
    }

    /// How many paths there are.
    pub fn count(&self) -> PathCount {
        self.count
    }

    /// The objects on the paths.
    pub fn objects(&self) -> &BitSet {
        self.nodes.set()
    }

    /// The edges from an object, or from the virtual root for none, in the order of their
    /// places.
    pub fn edges(&self, source: Option<ObjectId>) -> &[PathEdge] {
        let Some(source) = source else {
            return &self.seeds;
        };
        match self.nodes.rank(source) {
            Some(rank) => &self.edges[self.starts[rank] as usize..self.starts[rank + 1] as usize],
            None => &[],
        }
    }

    /// The paths, one after the other. At each step they take the edges in the order into
    /// which `sort` brings them: it gets the source of the step, its edges, and how many of
    /// them are wanted in order at the front, with the others behind them in any order.
    pub fn walks<F>(&self, sort: F) -> Walks<'_, F>
    where
        F: FnMut(Option<ObjectId>, &mut [PathEdge], usize),
    {
        Walks::new(self, sort)
    }
}

/// The objects on shortest paths, with the distance of each.
struct Levels {
    nodes: RankedBitSet,
    /// By rank.
    levels: Vec<u32>,
    /// The objects with the farthest first.
    order: Vec<ObjectId>,
    depth: usize,
}

impl Levels {
    /// Goes back from the last level of a search, keeping what leads to a target.
    fn leading_to(
        targets: &BitSet,
        search: BreadthFirst,
        references: &References,
        usable: impl Fn(usize) -> bool,
    ) -> Option<Self> {
        let (starts, edges, ..) = references.columns();
        let mut leading = BitSet::new(references.objects());
        let mut order = Vec::new();
        let mut ends = Vec::with_capacity(search.depth());
        for (back, level) in search.levels().rev().enumerate() {
            let begin = order.len();
            order.extend(level.iter().copied().filter(|&object| {
                if back == 0 {
                    targets.contains(object)
                } else {
                    // What is in `leading` so far lies beyond this level, and no reference
                    // skips a level: those into it go to the very next one.
                    row(starts, object).any(|place| leading.contains(edges[place]) && usable(place))
                }
            }));
            leading.extend(order[begin..].iter().copied());
            ends.push(order.len());
        }
        if order.is_empty() {
            return None;
        }
        let nodes = RankedBitSet::new(leading);
        let mut levels = vec![0; order.len()];
        let mut begin = 0;
        for (back, &end) in ends.iter().enumerate() {
            for rank in order[begin..end]
                .iter()
                .filter_map(|&object| nodes.rank(object))
            {
                levels[rank] = (ends.len() - 1 - back) as u32;
            }
            begin = end;
        }
        Some(Self {
            nodes,
            levels,
            order,
            depth: ends.len(),
        })
    }

    fn graph(
        self,
        references: &References,
        seeds: &[ObjectId],
        usable: impl Fn(usize) -> bool,
    ) -> ShortestPathGraph {
        let (rows, targets, ..) = references.columns();
        let mut starts = Vec::with_capacity(self.levels.len() + 1);
        let mut edges = Vec::new();
        starts.push(0);
        for (rank, source) in self.nodes.set().iter().enumerate() {
            let next = self.levels[rank] + 1;
            // Nothing goes on from a target, for all of them are in the last level.
            edges.extend(row(rows, source).filter_map(|place| {
                let target = targets[place];
                let leads = self.levels[self.nodes.rank(target)?] == next && usable(place);
                leads.then_some(PathEdge {
                    place: place as u32,
                    target,
                })
            }));
            starts.push(edges.len() as u32);
        }
        let seeds = (0u32..)
            .zip(seeds)
            .map(|(place, &target)| PathEdge { place, target })
            .filter(|edge| {
                self.nodes
                    .rank(edge.target)
                    .is_some_and(|rank| self.levels[rank] == 0)
            })
            .collect();
        let mut graph = ShortestPathGraph {
            nodes: self.nodes,
            seeds,
            starts,
            edges,
            length: self.depth,
            count: PathCount::default(),
        };
        graph.count = count(&graph, &self.order, &self.levels, self.depth);
        graph
    }
}

/// Counts paths from the targets back to the root: an object has as many as the ends of
/// its edges have together.
fn count(
    graph: &ShortestPathGraph,
    farthest_first: &[ObjectId],
    levels: &[u32],
    depth: usize,
) -> PathCount {
    let last = |rank: usize| levels[rank] as usize + 1 == depth;
    // Those of targets are never written, and zeroed pages cost nothing until then.
    let mut counts = vec![0u128; levels.len()];
    let sum = |edges: &[PathEdge], counts: &[u128]| {
        edges
            .iter()
            .filter_map(|edge| graph.nodes.rank(edge.target))
            .map(|rank| if last(rank) { 1 } else { counts[rank] })
            .fold(0, u128::saturating_add)
    };
    for &object in farthest_first {
        if let Some(rank) = graph.nodes.rank(object)
            && !last(rank)
        {
            counts[rank] = sum(graph.edges(Some(object)), &counts);
        }
    }
    sum(&graph.seeds, &counts).into()
}
