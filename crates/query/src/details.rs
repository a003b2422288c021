use crate::{
    Heap, ROOT, limits::Limits, python_text::harmless, relation_text::RelationText, repr::Repr,
    type_names::qualified,
};
use exuvia_snapshot::{ObjectFlags, ObjectId, Reference};
use serde::Serialize;

/// How many referrers and referents are listed.
const LISTED: usize = 100;

/// All that a snapshot knows of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectDetails {
    /// Its row in the snapshot.
    pub id: ObjectId,
    /// Where it lies.
    pub address: u64,
    /// heapy's kind.
    pub kind: String,
    /// The qualified name of its type: `collections.OrderedDict`.
    pub type_name: String,
    /// Bytes, as `sys.getsizeof` counts them.
    pub size: u64,
    /// Bytes that the allocator holds for it.
    pub allocated: u64,
    /// Its reference count; none when it is immortal, synthetic, or out of range.
    pub refcount: Option<u32>,
    /// Strong references to it that were found, roots that own one included.
    pub references_found: u64,
    /// What else is known of it.
    #[serde(skip)]
    pub flags: ObjectFlags,
    /// The flags as words: `tracked`, `immortal`, `synthetic`, `conservative`, `static`.
    pub flag_names: Vec<&'static str>,
    /// The number of the interpreter that it belongs to; none when all of them share it.
    pub interpreter: Option<u32>,
    /// Whether the process has several interpreters.
    #[serde(skip)]
    pub several_interpreters: bool,
    /// Its value as `repr` would print it, shortened.
    pub value: String,
    /// Who refers to it: roots first, then objects by address.
    pub referrers: Excerpt<Referrer>,
    /// What it refers to, in the order in which it holds them.
    pub referents: Excerpt<Referent>,
}

/// The first of several things, and how many there are in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Excerpt<T> {
    /// How many there are.
    pub total: u64,
    /// The first of them.
    pub first: Vec<T>,
}

/// An object in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectSummary {
    /// Its row in the snapshot.
    pub id: ObjectId,
    /// Where it lies.
    pub address: u64,
    /// heapy's kind.
    pub kind: String,
    /// Its value, as paths print keys.
    pub value: String,
}

/// A reference to the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Referrer {
    /// The object that holds the reference; none for a root.
    pub source: Option<ObjectSummary>,
    /// What the reference is called: `['key']`, `.name`; `hp.Root.i0_modules` for a root.
    pub relation: String,
    /// Whether it does not keep the object alive.
    pub weak: bool,
}

/// A reference that the object holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Referent {
    /// What it refers to.
    pub target: ObjectSummary,
    /// What the reference is called.
    pub relation: String,
    /// Whether it does not keep the target alive.
    pub weak: bool,
}

impl ObjectDetails {
    pub(crate) fn of(heap: &Heap, id: ObjectId) -> Self {
        let snapshot = heap.snapshot();
        let objects = &snapshot.objects;
        let flags = objects.flags[id.index()];
        let (referrers, references_found) = referrers(heap, id);
        let refcount = objects.refcount[id.index()];
        let counted = refcount != u32::MAX
            && !flags.contains(ObjectFlags::IMMORTAL)
            && !flags.contains(ObjectFlags::SYNTHETIC);
        Self {
            id,
            address: objects.address[id.index()],
            kind: snapshot.kind(id).name.clone(),
            type_name: harmless(&qualified(snapshot.type_of(id))).into_owned(),
            size: objects.size[id.index()],
            allocated: objects.allocated[id.index()],
            refcount: counted.then_some(refcount),
            references_found,
            flags,
            flag_names: flag_names(flags),
            interpreter: objects.interpreter_of(id),
            several_interpreters: !objects.interpreter.is_empty(),
            value: Repr::new(heap, Limits::DETAILED).of(id),
            referrers,
            referents: referents(heap, id),
        }
    }
}

impl ObjectSummary {
    pub(crate) fn of(heap: &Heap, id: ObjectId) -> Self {
        Self {
            id,
            address: heap.snapshot().objects.address[id.index()],
            kind: heap.snapshot().kind(id).name.clone(),
            value: Repr::new(heap, Limits::REPRLIB).of(id),
        }
    }
}

fn flag_names(flags: ObjectFlags) -> Vec<&'static str> {
    let names = [
        (ObjectFlags::TRACKED, "tracked"),
        (ObjectFlags::IMMORTAL, "immortal"),
        (ObjectFlags::SYNTHETIC, "synthetic"),
        (ObjectFlags::CONSERVATIVE, "conservative"),
        (ObjectFlags::STATIC, "static"),
    ];
    let names = names.into_iter().filter(|(flag, _)| flags.contains(*flag));
    names.map(|(_, name)| name).collect()
}

/// Who refers to an object, and how many strong references that makes.
fn referrers(heap: &Heap, id: ObjectId) -> (Excerpt<Referrer>, u64) {
    let snapshot = heap.snapshot();
    let mut strong = 0;
    let mut excerpt = Excerpt {
        total: 0,
        first: Vec::new(),
    };
    for root in snapshot.roots.iter().filter(|root| root.target == id) {
        strong += u64::from(root.owned);
        excerpt.push(|| Referrer {
            source: None,
            relation: format!("{ROOT}.{}", harmless(&root.name)),
            weak: false,
        });
    }
    let (starts, targets, ..) = snapshot.references.columns();
    let places = targets
        .iter()
        .enumerate()
        .filter(|(_, target)| **target == id);
    for (place, _) in places {
        // The row that holds the place is the last one that begins at or before it.
        let row = starts.partition_point(|&start| start as usize <= place) - 1;
        let source = ObjectId(row as u32);
        let reference = snapshot.references.get(place);
        strong += u64::from(!reference.weak);
        excerpt.push(|| Referrer {
            source: Some(ObjectSummary::of(heap, source)),
            relation: relation(heap, source, reference),
            weak: reference.weak,
        });
    }
    (excerpt, strong)
}

fn referents(heap: &Heap, id: ObjectId) -> Excerpt<Referent> {
    let references = heap.snapshot().references.of(id);
    Excerpt {
        total: references.len() as u64,
        first: references
            .take(LISTED)
            .map(|reference| Referent {
                target: ObjectSummary::of(heap, reference.target),
                relation: relation(heap, id, reference),
                weak: reference.weak,
            })
            .collect(),
    }
}

fn relation(heap: &Heap, source: ObjectId, reference: Reference) -> String {
    RelationText::of(heap, source, reference.relation).to_string()
}

impl<T> Excerpt<T> {
    fn push(&mut self, item: impl FnOnce() -> T) {
        self.total += 1;
        if self.first.len() < LISTED {
            self.first.push(item());
        }
    }
}
