use super::{Merging, expand::Branch};
use crate::{Extent, Heap, relation_text::RelationText};
use exuvia_snapshot::{KindShape, ObjectId, Relation};
use std::collections::HashMap;

/// Items with at least one part in so many of what is behind their containers keep their name.
const NAMED: u64 = 8;

/// The same of wanted objects with nothing behind them, of which hardly one is of interest.
const NAMED_ALONE: u64 = 2;

/// What makes steps the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Label<'a> {
    /// The number of the relation and its operand.
    Exact(u8, u32),
    /// The number of the relation, and the text that is its operand.
    Text(u8, &'a [u8]),
    /// The number of the relation alone: all items of containers. Whether keys are texts.
    Items(u8, bool),
}

/// Steps with one label.
#[derive(Debug)]
struct Labelled {
    /// Some reference of them, with the object that holds it.
    example: (ObjectId, Relation),
    members: Vec<ObjectId>,
    extent: Extent,
}

impl Merging<'_> {
    /// How the tree goes on from some objects, with the steps into items joined.
    pub(super) fn branches(&self, members: &[ObjectId]) -> Vec<Branch> {
        let mut total = 0u64;
        let mut by_label: HashMap<Label<'_>, Labelled> = HashMap::new();
        for &source in members {
            for &(_, object, place) in self.behind(source) {
                let relation = self.heap.snapshot().references.get(place as usize).relation;
                let extent = self.extents[object.index()];
                total = total.saturating_add(extent.bytes);
                let label = match members {
                    // An object has no two steps of one name.
                    [_] => exact(relation),
                    _ => label(self.heap, relation),
                };
                let labelled = by_label.entry(label).or_insert_with(|| Labelled {
                    example: (source, relation),
                    members: Vec::new(),
                    extent: Extent::default(),
                });
                labelled.members.push(object);
                labelled.extent.join(extent);
            }
        }
        self.joined(by_label, total)
    }

    /// Joins the steps into items that are small.
    fn joined(&self, by_label: HashMap<Label<'_>, Labelled>, total: u64) -> Vec<Branch> {
        let mut items: HashMap<Label<'_>, u32> = HashMap::new();
        for labelled in by_label.values() {
            *items.entry(self.items(labelled)).or_default() += 1;
        }
        let mut joined: HashMap<Label<'_>, Labelled> = HashMap::new();
        let mut branches = Vec::new();
        for (_, labelled) in by_label {
            let all = self.items(&labelled);
            let is_alone = labelled.extent.objects == labelled.members.len() as u64;
            let named = if is_alone { NAMED_ALONE } else { NAMED };
            let is_small = labelled.extent.bytes.saturating_mul(named) < total;
            if matches!(all, Label::Items(..)) && is_small && items[&all] > 1 {
                match joined.get_mut(&all) {
                    Some(same) => {
                        same.members.extend(labelled.members);
                        same.extent.join(labelled.extent);
                    }
                    None => {
                        joined.insert(all, labelled);
                    }
                }
            } else {
                branches.push(self.branch(labelled, None));
            }
        }
        for (label, labelled) in joined {
            branches.push(self.branch(labelled, Some(label)));
        }
        branches
    }

    /// The label that items of containers have in common; of other steps their own.
    fn items(&self, labelled: &Labelled) -> Label<'static> {
        let (source, relation) = labelled.example;
        let (code, operand) = relation.encode();
        let is_item = match relation {
            Relation::Index(_) | Relation::Key(_) | Relation::Member(_) => true,
            Relation::Numbered(_) | Relation::Word(_) => true,
            Relation::Stack(_) | Relation::SuspendedStack(_) => true,
            Relation::Value(_) => !self.is_namespace(source),
            _ => false,
        };
        match relation {
            Relation::Value(key) if is_item => {
                Label::Items(code, self.heap.snapshot().type_of(key).name == "str")
            }
            _ if is_item => Label::Items(code, false),
            _ => Label::Exact(code, operand),
        }
    }

    /// Whether the keys of a dictionary are names that a program gives: of attributes, or of
    /// modules. A step through one is never joined with others.
    fn is_namespace(&self, dict: ObjectId) -> bool {
        matches!(self.heap.snapshot().kind(dict).shape, KindShape::DictOf(_))
            || self.held_by_roots.contains(&dict)
    }

    fn branch(&self, labelled: Labelled, joined: Option<Label<'_>>) -> Branch {
        let (source, relation) = labelled.example;
        let text = match joined {
            Some(Label::Items(_, texts)) => items_text(relation, texts),
            _ => RelationText::of(self.heap, source, relation).behind,
        };
        let mut members = labelled.members;
        members.sort_unstable();
        Branch {
            text,
            is_first: false,
            before: RelationText::before(relation),
            members,
            extent: labelled.extent,
        }
    }
}

fn items_text(relation: Relation, texts: bool) -> String {
    let text = match relation {
        Relation::Value(_) if texts => "['*']",
        Relation::Key(_) => ".keys()[*]",
        Relation::Member(_) => ")[*]",
        Relation::Numbered(_) => "->refs[*]",
        Relation::Word(_) => "->word[*]",
        Relation::Stack(_) => "->f_valuestack[*]",
        Relation::SuspendedStack(_) => ".gi_frame->f_valuestack[*]",
        _ => "[*]",
    };
    text.to_owned()
}

fn exact(relation: Relation) -> Label<'static> {
    let (code, operand) = relation.encode();
    Label::Exact(code, operand)
}

/// The label of a step that several objects may have, each with a name object of its own.
fn label(heap: &Heap, relation: Relation) -> Label<'_> {
    let text = match relation {
        Relation::Value(key) => heap.snapshot().values.get(key),
        Relation::InlineAttribute(name)
        | Relation::Local(name)
        | Relation::Cell(name)
        | Relation::SuspendedLocal(name) => heap.snapshot().values.get(name),
        _ => None,
    };
    match text {
        Some(value) => Label::Text(relation.encode().0, value.bytes),
        None => exact(relation),
    }
}
