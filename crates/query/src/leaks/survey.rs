use crate::{
    Dominators, Excerpt, Extent, Heap, KeptKind, ObjectSet, PathOptions, Retained,
    python_text::harmless,
};
use exuvia_snapshot::{KindShape, ObjectId, TypeId};
use std::collections::BTreeSet;

/// What keeps less than this is no suspect, whatever its part of the heap: a bare interpreter has
/// some megabytes, of which small tables of the standard library are soon five percent.
pub(super) const LEAST: u64 = 1 << 20;

/// How many kinds of what a suspect keeps are named.
const NAMED: usize = 3;

/// What detectors share.
pub(super) struct Survey<'a> {
    pub(super) heap: &'a Heap,
    pub(super) dominators: &'a Dominators,
    /// The live objects.
    pub(super) alive: Extent,
    /// By kind: whether its objects are the program itself.
    program: Vec<bool>,
    /// The dictionaries of interned strings, which the runtime holds. They grow with the names of
    /// a program, and are part of it.
    pub(super) interned: BTreeSet<ObjectId>,
}

impl<'a> Survey<'a> {
    pub(super) fn of(heap: &'a Heap) -> Self {
        let dominators = heap.dominators();
        let mut alive = Extent::default();
        for object in heap.liveness().alive.iter() {
            if !heap.is_synthetic(object) {
                alive.add(heap.snapshot().objects.size[object.index()]);
            }
        }
        let kinds = heap.snapshot().kinds.iter();
        let program = kinds
            .map(|kind| match kind.shape {
                KindShape::DictOf(owner) => is_program(heap, owner),
                KindShape::Plain | KindShape::DictWithoutOwner => is_program(heap, kind.type_id),
            })
            .collect();
        Self {
            heap,
            dominators,
            alive,
            program,
            interned: interned(heap),
        }
    }

    /// Whether so many bytes are worth a word: at least [`LEAST`], and so many percent of all
    /// live ones.
    pub(super) fn is_notable(&self, bytes: u64, percent: u64) -> bool {
        bytes >= LEAST && bytes >= self.alive.bytes / 100 * percent
    }

    /// Whether an object is part of the program itself: modules, classes, functions, their code
    /// and dictionaries. How much of these there is depends on what was imported, and they stay
    /// until the end.
    pub(super) fn is_program(&self, object: ObjectId) -> bool {
        let kind = self.heap.snapshot().objects.kind[object.index()];
        self.program.get(kind.index()) == Some(&true) || self.interned.contains(&object)
    }

    /// The live objects whose type is wanted, by address.
    pub(super) fn alive_of(&self, wanted: impl Fn(TypeId) -> bool) -> Vec<ObjectId> {
        let snapshot = self.heap.snapshot();
        let types = snapshot.types.len() as u32;
        let wanted: Vec<bool> = (0..types).map(|id| wanted(TypeId(id))).collect();
        let kinds = snapshot.kinds.iter();
        let wanted: Vec<bool> = kinds
            .map(|kind| wanted.get(kind.type_id.index()) == Some(&true))
            .collect();
        let alive = self.heap.liveness().alive.iter();
        alive
            .filter(|id| wanted.get(snapshot.objects.kind[id.index()].index()) == Some(&true))
            .filter(|&id| !self.heap.is_synthetic(id))
            .collect()
    }

    /// The live objects of types of these names.
    pub(super) fn alive_named(&self, names: &[&str]) -> Vec<ObjectId> {
        let types = &self.heap.snapshot().types;
        self.alive_of(|id| {
            let of = types.get(id.index());
            of.is_some_and(|of| names.contains(&crate::type_names::qualified(of).as_str()))
        })
    }

    /// The one of some objects that keeps most.
    pub(super) fn heaviest(&self, objects: &[ObjectId]) -> Option<ObjectId> {
        let objects = objects.iter().copied().rev();
        objects.max_by_key(|&object| self.dominators.retained(object))
    }

    /// What an object keeps: its subtree of the dominators.
    pub(super) fn kept_by(&self, object: ObjectId) -> Retained {
        let tree = self.dominators.tree();
        let mut objects = Vec::new();
        if let Some(node) = tree.node(object) {
            let nodes = node.0..=tree.last(node).0;
            let kept = nodes.filter_map(|node| tree.object(exuvia_graph::Node(node)));
            objects.extend(kept.filter(|&object| !self.heap.is_synthetic(object)));
        }
        objects.sort_unstable();
        let extent = Extent {
            objects: objects.len() as u64,
            bytes: self.dominators.retained(object),
        };
        Retained { objects, extent }
    }

    /// The bytes of some objects.
    pub(super) fn sizes(&self, objects: impl Iterator<Item = ObjectId>) -> u64 {
        let sizes = &self.heap.snapshot().objects.size;
        objects.fold(0, |sum, object| sum.saturating_add(sizes[object.index()]))
    }

    /// The name of an object's kind, safe for a terminal.
    pub(super) fn kind(&self, object: ObjectId) -> String {
        harmless(&self.heap.snapshot().kind(object).name).into_owned()
    }

    /// Where an object lies.
    pub(super) fn address(&self, object: ObjectId) -> u64 {
        self.heap.snapshot().objects.address[object.index()]
    }

    /// Of what kinds some objects are: the kinds that take most bytes.
    pub(super) fn kinds(&self, objects: &[ObjectId]) -> Excerpt<KeptKind> {
        let snapshot = self.heap.snapshot();
        let mut extents = vec![Extent::default(); snapshot.kinds.len()];
        for object in objects {
            let kind = snapshot.objects.kind[object.index()];
            if let Some(extent) = extents.get_mut(kind.index()) {
                extent.add(snapshot.objects.size[object.index()]);
            }
        }
        let mut rows: Vec<_> = snapshot.kinds.iter().zip(extents).collect();
        rows.retain(|(_, extent)| extent.objects > 0);
        rows.sort_by_key(|(_, extent)| std::cmp::Reverse(extent.bytes));
        Excerpt {
            total: rows.len() as u64,
            first: rows
                .into_iter()
                .take(NAMED)
                .map(|(kind, extent)| KeptKind {
                    name: harmless(&kind.name).into_owned(),
                    extent,
                })
                .collect(),
        }
    }
}

/// The dictionaries of interned strings: the only ones that do not own their entries.
fn interned(heap: &Heap) -> BTreeSet<ObjectId> {
    let holders = heap.liveness().holders.iter().copied();
    let is_interned = |&holder: &ObjectId| {
        let mut references = heap.snapshot().references.of(holder).peekable();
        let is_dict = heap.is_instance(holder, "dict");
        is_dict && references.peek().is_some() && references.all(|one| one.weak)
    };
    holders.filter(is_interned).collect()
}

/// Types whose instances are the program itself.
const PROGRAM: [&str; 16] = [
    "module",
    "type",
    "function",
    "code",
    "builtin_function_or_method",
    "method_descriptor",
    "classmethod_descriptor",
    "wrapper_descriptor",
    "getset_descriptor",
    "member_descriptor",
    "classmethod",
    "staticmethod",
    "property",
    "cell",
    "frame",
    "mappingproxy",
];

fn is_program(heap: &Heap, of: TypeId) -> bool {
    PROGRAM.iter().any(|name| heap.derives(of, name))
}

/// The longest path at whose end a variable has a name: that of a class in a module.
const LONGEST: usize = 6;

/// The variable of a module or class that an object is: `shop.SESSIONS`.
pub(super) fn variable(survey: &Survey<'_>, object: ObjectId) -> Option<String> {
    let set = ObjectSet::new(survey.heap, vec![object], String::new());
    let paths = survey.heap.shortest_paths(&set, &PathOptions::default());
    if paths.length()? > LONGEST {
        return None;
    }
    let steps: Vec<_> = paths.iter().next()?.steps().collect();
    let key = |place: usize| {
        let text = steps.get(place)?.text.as_str();
        text.strip_prefix("['")?.strip_suffix("']")
    };
    let texts: Vec<_> = steps.iter().map(|step| step.text.as_str()).collect();
    match texts[..] {
        [_, _, ".__dict__", _] => Some(format!("the variable {} of module {}", key(3)?, key(1)?)),
        [_, _, ".__dict__", _, ".__dict__", _] => Some(format!(
            "the attribute {} of {} in module {}",
            key(5)?,
            key(3)?,
            key(1)?
        )),
        // An instance that keeps its attributes inline.
        [_, _, ".__dict__", _, attribute] => Some(format!(
            "the attribute {} of {} in module {}",
            attribute.strip_prefix('.')?,
            key(3)?,
            key(1)?
        )),
        _ => None,
    }
}

/// `1 object`, `2 objects`.
pub(super) fn counted(count: usize, singular: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {singular}{plural}")
}
