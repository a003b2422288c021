use crate::{Extent, Heap, ObjectSet, PathOptions, origins::Origin};
use exuvia_graph::{BitSet, ShortestPathTree, TreeEdge};
use exuvia_snapshot::{ObjectId, RootCategory};
use serde::Serialize;
use std::collections::HashSet;

mod expand;
mod labels;

/// Where the shortest paths to all of some objects run together: a tree that begins at the
/// roots, with how many of the objects lie behind each step.
///
/// Each object counts once, along one shortest path to it. Steps into the items of containers
/// are one step, `[*]`, unless an item alone leads to much; so are the same steps of all
/// objects that were joined this way. What the objects have in common is the trunk of the
/// tree, and where it splits is what holds them all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergedPaths {
    /// The objects to which a path leads.
    pub reached: Extent,
    /// Those to which none does.
    pub unreached: Extent,
    /// The first steps.
    pub steps: Vec<MergedStep>,
    /// First steps that are too small to be shown.
    pub folded: Folded,
}

/// Some steps in a row that all of the objects behind them share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergedStep {
    /// The steps as they are printed: `hp.Root.i0_modules['shop'].__dict__['SESSIONS'][*]`. Of
    /// very many the middle is left out. Where a step
    /// encloses what comes before this text, as in `list(%s)[*]`, `%s` stands for that.
    pub text: String,
    /// How many steps.
    pub length: usize,
    /// The objects that were asked for, at the end of these steps or behind it.
    pub extent: Extent,
    /// Those of them at the end itself, or on the way to it along a linked list.
    pub here: Extent,
    /// How many different objects there are at the end.
    pub ends: u64,
    /// The kind of the objects at the end, if they have one.
    pub kind: Option<String>,
    /// The last single object of these steps: what holds all that is behind it.
    pub holder: Option<Holder>,
    /// The steps that go on from here, the largest first.
    pub steps: Vec<MergedStep>,
    /// Steps that are too small, too many or too deep to be shown.
    pub folded: Folded,
}

/// An object that holds others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Where it lies.
    pub address: u64,
    /// What it is.
    pub kind: String,
}

/// Steps that are not shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Folded {
    /// How many.
    pub steps: u64,
    /// The objects behind them.
    pub extent: Extent,
}

/// How much of a [`MergedPaths`] is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MergeLimits {
    /// Steps with a smaller part of all bytes are left out.
    pub share: f64,
    /// So many of the steps that go on from one are kept.
    pub branches: usize,
    /// How often a path may split.
    pub depth: usize,
    /// Whether steps end where all objects at the end are wanted ones, so that only the first
    /// wanted object on each path is told, with all that are behind it.
    pub first_only: bool,
}

/// A tree can't be made deeper than this.
const DEEPEST: usize = 200;

impl Default for MergeLimits {
    fn default() -> Self {
        Self {
            share: 0.01,
            branches: 10,
            depth: 12,
            first_only: false,
        }
    }
}

/// The tree of shortest paths with what is needed of it to join steps.
struct Merging<'a> {
    heap: &'a Heap,
    tree: ShortestPathTree,
    targets: BitSet,
    /// By object: the targets at or behind it.
    extents: Vec<Extent>,
    /// The objects on paths by the object that they come from, as `(source, object, place)`.
    edges: Vec<(ObjectId, ObjectId, u32)>,
    /// What interpreters hold themselves, such as the dictionary of modules.
    held_by_roots: HashSet<ObjectId>,
    limits: MergeLimits,
    /// Steps with fewer bytes are left out.
    smallest: u64,
}

impl MergedPaths {
    pub(crate) fn search(
        heap: &Heap,
        set: &ObjectSet,
        options: &PathOptions,
        limits: MergeLimits,
    ) -> Self {
        let references = &heap.snapshot().references;
        let mut targets = BitSet::new(references.objects());
        targets.extend(set.ids().iter().copied());
        let beginnings = options.beginnings();
        let farther: Vec<usize> = beginnings.iter().map(|&(_, farther)| farther).collect();
        let mut origins: Vec<Vec<Origin>> = vec![Vec::new(); beginnings.len()];
        let seeds = |group: usize| {
            origins[group] = options.origins(heap, beginnings[group].0);
            origins[group].iter().map(|origin| origin.target).collect()
        };
        let tree = ShortestPathTree::search(
            references,
            (&farther, seeds),
            options.follow(),
            &targets,
            &options.avoided(),
        );
        Merging::new(heap, tree, targets, limits).merge(set, &origins)
    }
}

impl<'a> Merging<'a> {
    fn new(heap: &'a Heap, tree: ShortestPathTree, targets: BitSet, limits: MergeLimits) -> Self {
        let objects = &heap.snapshot().objects;
        let mut extents = vec![Extent::default(); objects.len()];
        let mut edges = Vec::new();
        for &object in tree.order().iter().rev() {
            if targets.contains(object) {
                extents[object.index()].add(objects.size[object.index()]);
            }
            let extent = extents[object.index()];
            if extent.objects > 0
                && let Some(TreeEdge::Reference { source, place }) = tree.edge_to(object)
            {
                extents[source.index()].join(extent);
                edges.push((source, object, place));
            }
        }
        edges.sort_unstable();
        let roots = heap.snapshot().roots.iter();
        let roots = roots.filter(|root| root.category == RootCategory::Interpreter);
        Self {
            held_by_roots: roots.map(|root| root.target).collect(),
            heap,
            tree,
            targets,
            extents,
            edges,
            limits: MergeLimits {
                depth: limits.depth.min(DEEPEST),
                ..limits
            },
            smallest: 0,
        }
    }

    fn merge(mut self, set: &ObjectSet, origins: &[Vec<Origin>]) -> MergedPaths {
        let first: Vec<(ObjectId, &Origin)> = self
            .tree
            .order()
            .iter()
            .filter(|&&object| self.extents[object.index()].objects > 0)
            .filter_map(|&object| match self.tree.edge_to(object)? {
                TreeEdge::Seed { group, position } => {
                    Some((object, origins.get(group)?.get(position)?))
                }
                TreeEdge::Reference { .. } => None,
            })
            .collect();
        let mut reached = Extent::default();
        for (object, _) in &first {
            reached.join(self.extents[object.index()]);
        }
        let unreached = Extent {
            objects: set.count().saturating_sub(reached.objects),
            bytes: set.size().saturating_sub(reached.bytes),
        };
        self.smallest = (reached.bytes as f64 * self.limits.share).ceil() as u64;
        let branches = first.into_iter().map(|(object, origin)| expand::Branch {
            text: origin.text(),
            is_first: true,
            before: "",
            members: vec![object],
            extent: self.extents[object.index()],
        });
        let (steps, folded) = self.expand(branches.collect(), self.limits.depth);
        MergedPaths {
            reached,
            unreached,
            steps,
            folded,
        }
    }

    /// What the tree leads to from an object.
    fn behind(&self, source: ObjectId) -> &[(ObjectId, ObjectId, u32)] {
        let start = self.edges.partition_point(|edge| edge.0 < source);
        let end = start + self.edges[start..].partition_point(|edge| edge.0 == source);
        &self.edges[start..end]
    }
}
