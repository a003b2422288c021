//! Classifiers that look at who refers to an object: by which kinds, and how.

use super::{Classes, sets::Sets};
use crate::{
    Heap, limits::Limits, python_text::text_repr, relation_text::RelationText, repr::Repr,
};
use exuvia_graph::Incoming;
use exuvia_snapshot::{KindId, ObjectId, Relation};
use rustc_hash::FxHashMap;

/// heapy's `byrcs`: the kinds of the referrers. Roots are no objects and have no kind.
pub(super) fn by_kinds(heap: &Heap, ids: &[ObjectId]) -> Classes {
    let snapshot = heap.snapshot();
    let mut sets = Sets::default();
    let of = ids.iter().map(|&id| {
        sets.begin();
        for referrer in referrers(heap, id) {
            sets.add(snapshot.objects.kind[referrer.source.index()].0);
        }
        sets.finish()
    });
    let of = of.collect();
    sets.classes(of, |kind| snapshot.kinds[kind as usize].name.clone())
}

/// heapy's `byvia`: the relations.
pub(super) fn by_relations(heap: &Heap, ids: &[ObjectId]) -> Classes {
    let mut relations = Relations::new(heap);
    let mut sets = Sets::default();
    let of = ids.iter().map(|&id| {
        sets.begin();
        for referrer in referrers(heap, id) {
            if let Some(relation) = relations.number(referrer) {
                sets.add(relation);
            }
        }
        sets.finish()
    });
    let of = of.collect();
    sets.classes(of, |relation| relations.texts[relation as usize].clone())
}

/// The strong references to an object from live ones.
fn referrers(heap: &Heap, id: ObjectId) -> impl Iterator<Item = Incoming> + '_ {
    let references = &heap.snapshot().references;
    let alive = &heap.liveness().alive;
    let incoming = heap.reversed().to(references, id);
    incoming.filter(|one| !references.is_weak(one.place) && alive.contains(one.source))
}

/// Relations by what they are called, numbered.
struct Relations<'a> {
    heap: &'a Heap,
    /// As Python prints the text of the relation.
    texts: Vec<String>,
    by_text: FxHashMap<String, u32>,
    /// The numbers of relations that were met. What they are called depends on the kind of
    /// the referrer as well.
    known: FxHashMap<(KindId, Relation), Option<u32>>,
}

impl<'a> Relations<'a> {
    fn new(heap: &'a Heap) -> Self {
        Self {
            heap,
            texts: Vec::new(),
            by_text: FxHashMap::default(),
            known: FxHashMap::default(),
        }
    }

    /// The number of the relation of a reference; none of that to its type, which heapy does
    /// not count as one.
    fn number(&mut self, referrer: Incoming) -> Option<u32> {
        let snapshot = self.heap.snapshot();
        let relation = snapshot.references.get(referrer.place).relation;
        let kind = snapshot.objects.kind[referrer.source.index()];
        if let Some(&number) = self.known.get(&(kind, relation)) {
            return number;
        }
        let number = (!self.is_type(relation)).then(|| {
            let text = text_repr(&self.text(referrer.source, relation));
            let next = self.texts.len() as u32;
            let number = *self.by_text.entry(text.clone()).or_insert(next);
            if number == next {
                self.texts.push(text);
            }
            number
        });
        self.known.insert((kind, relation), number);
        number
    }

    fn is_type(&self, relation: Relation) -> bool {
        let Relation::Interior(name) = relation else {
            return false;
        };
        let names = &self.heap.snapshot().names;
        names.get(name.index()).map(String::as_str) == Some("ob_type")
    }

    /// The relation as heapy writes it behind an underscore for the object: keys are whole.
    fn text(&self, source: ObjectId, relation: Relation) -> String {
        match relation {
            Relation::Value(key) => {
                format!("[{}]", Repr::new(self.heap, Limits::WHOLE).of(key))
            }
            Relation::Member(index) => format!("list(_)[{index}]"),
            _ => RelationText::of(self.heap, source, relation).behind,
        }
    }
}
