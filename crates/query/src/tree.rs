use crate::{
    Extent, Heap, ObjectSummary, ROOT, limits::Limits, python_text::harmless,
    relation_text::RelationText, repr::Repr,
};
use exuvia_graph::Node;
use exuvia_snapshot::{KindId, KindShape, ObjectId, Relation};
use serde::Serialize;
use std::collections::HashMap;

/// How much of a dominator tree is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeOptions {
    /// How many levels below the first.
    pub depth: u32,
    /// What keeps fewer bytes alive is folded.
    pub min_size: u64,
    /// How many branches of one object are shown at most, the largest ones.
    pub branches: usize,
}

/// The dominator tree of a heap, or the parts of it that begin with some objects: the largest
/// branches first, and small ones folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tree {
    /// The objects that the tree is of and their bytes: everything that is alive, or what the
    /// selected objects keep alive, each for itself.
    pub total: Extent,
    /// The rows, each before the ones below it.
    pub rows: Vec<TreeRow>,
}

/// An object of a [`Tree`], or several that are folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreeRow {
    /// 0 for the first level.
    pub depth: u32,
    /// Whether it is the last one below its parent.
    pub last: bool,
    /// What would be freed if it went, itself included; of folded ones, if all of them went.
    pub retained: Extent,
    /// What it is.
    #[serde(flatten)]
    pub branch: Branch,
}

/// What a row of a [`Tree`] stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "branch", rename_all = "kebab-case")]
pub enum Branch {
    /// One object.
    Object {
        /// The object.
        object: ObjectSummary,
        /// Its own bytes.
        size: u64,
        /// How its dominator, or a root, refers to it: `['cache']`, `hp.Root.i0_modules`; none
        /// where only other objects do.
        relation: Option<String>,
        /// Of the `__dict__` of an object, that object: `<module 'shop'>`.
        owner: Option<String>,
    },
    /// Several that are too small to be shown, or too many.
    Folded {
        /// How many.
        count: u64,
        /// Those that keep most alive among them.
        kinds: Vec<FoldedKind>,
        /// How many kinds there are.
        total_kinds: u64,
    },
}

/// The branches of a kind among those that are folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoldedKind {
    /// heapy's name of the kind.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// How many kinds of folded branches are named.
const KINDS: usize = 3;

impl Tree {
    /// The tree of everything that is alive.
    pub(crate) fn of_all(heap: &Heap, options: &TreeOptions) -> Self {
        let tree = heap.dominators().tree();
        let mut building = Building::new(heap, options);
        building.grow(tree.children(Node::ROOT).collect(), None);
        building.finish(heap.dominators().total())
    }

    /// The trees that begin with some objects; those that others of them dominate are shown
    /// below these.
    pub(crate) fn of_objects(heap: &Heap, objects: &[ObjectId], options: &TreeOptions) -> Self {
        let tree = heap.dominators().tree();
        let mut nodes: Vec<Node> = objects.iter().filter_map(|&id| tree.node(id)).collect();
        nodes.sort_unstable();
        // In preorder, what another one dominates comes right after it.
        let mut tops: Vec<Node> = Vec::new();
        for node in nodes {
            if tops.last().is_none_or(|&top| !tree.dominates(top, node)) {
                tops.push(node);
            }
        }
        let mut building = Building::new(heap, options);
        let mut total = Extent::default();
        for &top in &tops {
            total += heap.dominators().extent(top);
        }
        building.grow(tops, None);
        building.finish(total)
    }
}

struct Building<'a> {
    heap: &'a Heap,
    options: &'a TreeOptions,
    rows: Vec<TreeRow>,
    /// What is to be shown next is at the end.
    waiting: Vec<Waiting>,
}

/// A row that is known, below which there may be more.
struct Waiting {
    row: TreeRow,
    node: Option<Node>,
}

impl<'a> Building<'a> {
    fn new(heap: &'a Heap, options: &'a TreeOptions) -> Self {
        Self {
            heap,
            options,
            rows: Vec::new(),
            waiting: Vec::new(),
        }
    }

    fn finish(mut self, total: Extent) -> Tree {
        while let Some(Waiting { row, node }) = self.waiting.pop() {
            let depth = row.depth;
            self.rows.push(row);
            if let Some(node) = node.filter(|_| depth < self.options.depth) {
                let children = self.heap.dominators().tree().children(node).collect();
                self.grow(children, Some((node, depth)));
            }
        }
        self.name_owners();
        Tree {
            total,
            rows: self.rows,
        }
    }

    /// Says whose `__dict__` a dictionary is. That of a module is held by all of its functions,
    /// so that it stands where nothing else names it.
    fn name_owners(&mut self) {
        let snapshot = self.heap.snapshot();
        let is_of_an_owner = |id: ObjectId| matches!(snapshot.kind(id).shape, KindShape::DictOf(_));
        let mut dicts: HashMap<ObjectId, &mut Option<String>> = HashMap::new();
        for row in &mut self.rows {
            if let Branch::Object { object, owner, .. } = &mut row.branch
                && is_of_an_owner(object.id)
            {
                dicts.insert(object.id, owner);
            }
        }
        if dicts.is_empty() {
            return;
        }
        for holder in snapshot.objects.ids() {
            for reference in snapshot.references.of(holder) {
                if reference.relation == Relation::InstanceDict
                    && let Some(owner) = dicts.get_mut(&reference.target)
                {
                    **owner = Some(Repr::new(self.heap, Limits::WHOLE).of(holder));
                }
            }
        }
    }

    /// Puts the branches below a node, or those of the first level, where they come next.
    fn grow(&mut self, nodes: Vec<Node>, below: Option<(Node, u32)>) {
        let depth = below.map_or(0, |(_, depth)| depth + 1);
        let (mut shown, mut folded): (Vec<Node>, Vec<Node>) = nodes
            .into_iter()
            .partition(|&node| self.retained(node).bytes >= self.options.min_size);
        shown.sort_by_key(|&node| (std::cmp::Reverse(self.retained(node).bytes), node));
        folded.extend(shown.drain(self.options.branches.min(shown.len())..));
        // A line that says that one is folded takes as much room as that one.
        if folded.len() == 1 {
            shown.append(&mut folded);
        }
        let relations = self.relations(below.map(|(node, _)| node), &shown);
        let mut rows: Vec<Waiting> = shown
            .iter()
            .filter_map(|&node| self.object(node, depth, &relations))
            .collect();
        rows.extend(self.fold(&folded, depth));
        if let Some(last) = rows.last_mut() {
            last.row.last = true;
        }
        self.waiting.extend(rows.into_iter().rev());
    }

    fn object(
        &self,
        node: Node,
        depth: u32,
        relations: &HashMap<ObjectId, String>,
    ) -> Option<Waiting> {
        let id = self.heap.dominators().tree().object(node)?;
        let branch = Branch::Object {
            object: ObjectSummary::of(self.heap, id),
            size: self.heap.snapshot().objects.size[id.index()],
            relation: relations.get(&id).cloned(),
            owner: None,
        };
        let row = TreeRow {
            depth,
            last: false,
            retained: self.retained(node),
            branch,
        };
        Some(Waiting {
            row,
            node: Some(node),
        })
    }

    fn fold(&self, nodes: &[Node], depth: u32) -> Option<Waiting> {
        let mut retained = Extent::default();
        let mut kinds: HashMap<KindId, (u64, u64)> = HashMap::new();
        for &node in nodes {
            let extent = self.retained(node);
            retained += extent;
            if let Some(id) = self.heap.dominators().tree().object(node) {
                let kind = kinds
                    .entry(self.heap.snapshot().objects.kind[id.index()])
                    .or_default();
                kind.0 = kind.0.saturating_add(extent.bytes);
                kind.1 += 1;
            }
        }
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|&(kind, (bytes, _))| (std::cmp::Reverse(bytes), kind));
        let name = |kind: KindId| self.heap.snapshot().kinds[kind.index()].name.clone();
        let branch = Branch::Folded {
            count: nodes.len() as u64,
            total_kinds: kinds.len() as u64,
            kinds: kinds
                .into_iter()
                .take(KINDS)
                .map(|(kind, (_, count))| FoldedKind {
                    name: name(kind),
                    count,
                })
                .collect(),
        };
        let row = TreeRow {
            depth,
            last: false,
            retained,
            branch,
        };
        (!nodes.is_empty()).then_some(Waiting { row, node: None })
    }

    fn retained(&self, node: Node) -> Extent {
        self.heap.dominators().extent(node)
    }

    /// How a node, or the root, refers to some of what it dominates.
    fn relations(&self, node: Option<Node>, shown: &[Node]) -> HashMap<ObjectId, String> {
        let snapshot = self.heap.snapshot();
        let tree = self.heap.dominators().tree();
        let mut relations: HashMap<ObjectId, String> = HashMap::new();
        let shown: Vec<ObjectId> = shown.iter().filter_map(|&node| tree.object(node)).collect();
        match node.and_then(|node| tree.object(node)) {
            Some(holder) => {
                for reference in snapshot.references.of(holder) {
                    if !reference.weak && shown.contains(&reference.target) {
                        relations.entry(reference.target).or_insert_with(|| {
                            RelationText::of(self.heap, holder, reference.relation).to_string()
                        });
                    }
                }
            }
            None => {
                for root in &snapshot.roots {
                    if shown.contains(&root.target) {
                        relations
                            .entry(root.target)
                            .or_insert_with(|| format!("{ROOT}.{}", harmless(&root.name)));
                    }
                }
            }
        }
        relations
    }
}
