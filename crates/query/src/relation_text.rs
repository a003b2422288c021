use crate::{
    Heap,
    limits::Limits,
    python_text::{harmless, is_identifier},
    repr::Repr,
};
use exuvia_snapshot::{NameId, ObjectId, Relation};
use std::fmt;

/// How a relation is written in a path: what it puts before and behind the path so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelationText {
    /// `list(` for the members of a set.
    pub(crate) before: &'static str,
    /// `['key']`, `.name`, `)[3]`.
    pub(crate) behind: String,
}

impl RelationText {
    /// What stands before the path so far in the text of a relation.
    pub(crate) fn before(relation: Relation) -> &'static str {
        match relation {
            Relation::Member(_) => "list(",
            _ => "",
        }
    }

    /// The text of a reference that `source` holds.
    pub(crate) fn of(heap: &Heap, source: ObjectId, relation: Relation) -> Self {
        Self {
            before: Self::before(relation),
            behind: behind(heap, source, relation),
        }
    }
}

impl fmt::Display for RelationText {
    /// The step alone: `%s` stands for the path so far where the step encloses it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.before.is_empty() { "" } else { "%s" };
        write!(f, "{}{path}{}", self.before, self.behind)
    }
}

fn behind(heap: &Heap, source: ObjectId, relation: Relation) -> String {
    match relation {
        Relation::Attribute(name) => format!(".{}", field(heap, name)),
        Relation::InlineAttribute(name) => attribute(heap, name),
        Relation::InstanceDict => ".__dict__".to_owned(),
        Relation::Index(index) => format!("[{index}]"),
        Relation::Value(key) => format!("[{}]", Repr::new(heap, Limits::REPRLIB).of(key)),
        Relation::Key(index) => format!(".keys()[{index}]"),
        Relation::Interior(name) => format!("->{}", field(heap, name)),
        Relation::Numbered(index) => format!("->refs[{index}]"),
        Relation::Word(index) => format!("->word[{index}]"),
        Relation::Local(name) | Relation::Cell(name) | Relation::SuspendedLocal(name) => {
            let name = Repr::new(heap, Limits::WHOLE).of(name);
            format!("{}.f_locals[{name}]", frame(heap, source, relation))
        }
        Relation::Stack(index) | Relation::SuspendedStack(index) => {
            format!("{}->f_valuestack[{index}]", frame(heap, source, relation))
        }
        Relation::Member(index) => format!(")[{index}]"),
    }
}

fn field(heap: &Heap, name: NameId) -> String {
    let names = &heap.snapshot().names;
    harmless(names.get(name.index()).map_or("", String::as_str)).into_owned()
}

/// `.x`, or `.__dict__['not a name']` for what can't be written after a dot.
fn attribute(heap: &Heap, name: ObjectId) -> String {
    match heap.snapshot().values.get(name) {
        Some(value) if is_identifier(&value.text()) => format!(".{}", value.text()),
        _ => format!(".__dict__[{}]", Repr::new(heap, Limits::REPRLIB).of(name)),
    }
}

/// How Python code gets from an object to the frame that it keeps inside itself.
fn frame(heap: &Heap, source: ObjectId, relation: Relation) -> &'static str {
    match heap.snapshot().type_of(source).name.as_str() {
        "generator" => ".gi_frame",
        "coroutine" => ".cr_frame",
        "async_generator" => ".ag_frame",
        _ => match relation {
            Relation::SuspendedLocal(_) | Relation::SuspendedStack(_) => ".gi_frame",
            _ => "",
        },
    }
}
