use crate::{Heap, relation_text::RelationText};
use exuvia_snapshot::{KindId, KindShape, NameId, ObjectFlags, ObjectId, Reference, Relation};
use serde::Serialize;
use std::collections::HashMap;

/// References of one sort: from objects of one kind, called the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelationRow {
    /// How many references.
    pub count: u64,
    /// The kind of the objects that hold them.
    pub kind: String,
    /// What they are called: `.__closure__`, `['cache']`, `[i]` for all items of lists, `[key]`
    /// for all values of dictionaries that are nobody's `__dict__`.
    pub relation: String,
}

/// The references from live objects to members of a set.
pub(crate) fn to(heap: &Heap, set: &[ObjectId], weak: bool) -> Vec<RelationRow> {
    let references = &heap.snapshot().references;
    let mut counts = Counts::new(heap);
    for &target in set {
        for one in heap.reversed().to(references, target) {
            if (weak || !references.is_weak(one.place))
                && heap.liveness().alive.contains(one.source)
            {
                counts.add(one.source, references.get(one.place));
            }
        }
    }
    counts.rows()
}

/// The references that members of a set hold.
pub(crate) fn from(heap: &Heap, set: &[ObjectId], weak: bool) -> Vec<RelationRow> {
    let references = &heap.snapshot().references;
    let mut counts = Counts::new(heap);
    for &source in set {
        for reference in references.of(source).filter(|one| weak || !one.weak) {
            counts.add(source, reference);
        }
    }
    counts.rows()
}

/// Numbers of references, by the kind of the holder and the sort of relation, each with the
/// first reference of its sort.
struct Counts<'a> {
    heap: &'a Heap,
    counts: HashMap<(KindId, Sort), (u64, ObjectId, Relation)>,
}

/// What references have in common that share a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sort {
    Field(NameId),
    Interior(NameId),
    /// The variant of the relation and the `str` object that names it.
    Named(u8, ObjectId),
    /// The variant alone, of those that number or name their places without end.
    Any(u8),
}

impl<'a> Counts<'a> {
    fn new(heap: &'a Heap) -> Self {
        Self {
            heap,
            counts: HashMap::new(),
        }
    }

    fn add(&mut self, source: ObjectId, reference: Reference) {
        let snapshot = self.heap.snapshot();
        if snapshot.objects.flags[source.index()].contains(ObjectFlags::SYNTHETIC) {
            return;
        }
        let kind = snapshot.objects.kind[source.index()];
        let sort = sort(reference.relation, snapshot.kind(source).shape);
        let first = (0, source, reference.relation);
        self.counts.entry((kind, sort)).or_insert(first).0 += 1;
    }

    fn rows(self) -> Vec<RelationRow> {
        let row = |((kind, sort), (count, source, relation)): (
            (KindId, Sort),
            (u64, ObjectId, Relation),
        )| {
            RelationRow {
                count,
                kind: self.heap.snapshot().kinds[kind.index()].name.clone(),
                relation: text(self.heap, sort, source, relation),
            }
        };
        // Names that are different objects with the same text share a row as well.
        let mut rows: Vec<RelationRow> = self.counts.into_iter().map(row).collect();
        rows.sort_unstable_by(|a, b| (&a.kind, &a.relation).cmp(&(&b.kind, &b.relation)));
        rows.dedup_by(|later, first| {
            let same = (&later.kind, &later.relation) == (&first.kind, &first.relation);
            if same {
                first.count += later.count;
            }
            same
        });
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows
    }
}

fn sort(relation: Relation, shape: KindShape) -> Sort {
    let (code, _) = relation.encode();
    match relation {
        Relation::Attribute(name) => Sort::Field(name),
        Relation::Interior(name) => Sort::Interior(name),
        Relation::InlineAttribute(name)
        | Relation::Local(name)
        | Relation::Cell(name)
        | Relation::SuspendedLocal(name) => Sort::Named(code, name),
        // The keys of a `__dict__` are names of attributes, those of others are data.
        Relation::Value(key) if matches!(shape, KindShape::DictOf(_)) => Sort::Named(code, key),
        _ => Sort::Any(code),
    }
}

fn text(heap: &Heap, sort: Sort, source: ObjectId, relation: Relation) -> String {
    match (sort, relation) {
        (Sort::Any(_), Relation::Index(_)) => "[i]".to_owned(),
        (Sort::Any(_), Relation::Value(_)) => "[key]".to_owned(),
        (Sort::Any(_), Relation::Key(_)) => ".keys()[i]".to_owned(),
        (Sort::Any(_), Relation::Member(_)) => "list(%s)[i]".to_owned(),
        (Sort::Any(_), Relation::Numbered(_)) => "->refs[i]".to_owned(),
        (Sort::Any(_), Relation::Word(_)) => "->word[i]".to_owned(),
        (Sort::Any(_), Relation::Stack(_) | Relation::SuspendedStack(_)) => {
            "->f_valuestack[i]".to_owned()
        }
        _ => RelationText::of(heap, source, relation).to_string(),
    }
}
