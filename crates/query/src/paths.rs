use crate::{Heap, Path, PathOptions, origins::Origin, path_order};
use exuvia_graph::{BitSet, ShortestPathGraph};
use exuvia_snapshot::ObjectId;
use serde::Serialize;
use std::fmt;

/// How many paths there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PathCount {
    /// The number; the largest one of 128 bits when there are more.
    pub paths: u128,
    /// Whether there are more paths than the number can say.
    pub saturated: bool,
}

impl fmt::Display for PathCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.saturated { "more than " } else { "" };
        write!(f, "{more}{}", self.paths)
    }
}

/// All shortest paths from the roots to the nearest of some objects.
///
/// The search stops at the first level that holds any of the objects: those that are farther
/// away have no paths here. A thread's frame counts as two steps more than what the
/// interpreter holds itself. Static roots, and objects that native code holds, are where paths
/// begin only when nothing else leads to any of the objects.
#[derive(Debug)]
pub struct ShortestPaths<'a> {
    heap: &'a Heap,
    origins: Vec<Origin>,
    graph: Option<ShortestPathGraph>,
    reached: usize,
}

impl<'a> ShortestPaths<'a> {
    pub(crate) fn search(heap: &'a Heap, targets: &[ObjectId], options: &PathOptions) -> Self {
        let references = &heap.snapshot().references;
        let (follow, avoided) = (options.follow(), options.avoided());
        let mut wanted = BitSet::new(references.objects());
        wanted.extend(targets.iter().copied());
        let mut best = Self {
            heap,
            origins: Vec::new(),
            graph: None,
            reached: 0,
        };
        let mut distance = usize::MAX;
        for (beginning, farther) in options.beginnings() {
            if farther >= distance {
                break;
            }
            let origins = options.origins(heap, beginning);
            let seeds: Vec<ObjectId> = origins.iter().map(|origin| origin.target).collect();
            let graph =
                ShortestPathGraph::search_avoiding(references, &seeds, follow, &wanted, &avoided);
            if let Some(length) = graph.as_ref().map(ShortestPathGraph::length)
                && length + farther < distance
            {
                distance = length + farther;
                best.origins = origins;
                best.graph = graph;
            }
        }
        if let Some(graph) = &best.graph {
            let on_paths = targets
                .iter()
                .filter(|&&target| graph.objects().contains(target));
            best.reached = on_paths.count();
        }
        best
    }

    /// How many paths there are.
    pub fn count(&self) -> PathCount {
        let count = self.graph.as_ref().map(ShortestPathGraph::count);
        count.map_or_else(PathCount::default, |count| PathCount {
            paths: count.paths,
            saturated: count.saturated,
        })
    }

    /// How many of the wanted objects the paths lead to: those nearest to the root.
    pub fn reached(&self) -> usize {
        self.reached
    }

    /// How many steps each path has, the name of the root being the first; none when no
    /// path leads to any of the objects.
    pub fn length(&self) -> Option<usize> {
        self.graph.as_ref().map(ShortestPathGraph::length)
    }

    /// The paths, in heapy's order. Each is made when it is asked for.
    pub fn iter(&self) -> impl Iterator<Item = Path<'_>> + '_ {
        let walks = self.graph.iter().flat_map(|graph| {
            graph.walks(|source, edges, wanted| {
                // Origins are sorted by name already.
                if source.is_some() {
                    path_order::sort(self.heap, edges, wanted);
                }
            })
        });
        walks.filter_map(|edges| Path::new(self.heap, &self.origins, edges))
    }
}
