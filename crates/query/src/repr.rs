use crate::{
    Heap,
    instance_repr::{instance_repr, is_code},
    key_order::KeyOrder,
    limits::Limits,
    python_text::{CUT, bytes_repr, cut_end, cut_middle, harmless, short_text_repr, text_repr},
    type_names::is_builtin,
};
use exuvia_snapshot::{ObjectId, Reference, Relation, Value, ValueForm};
use std::cell::Cell;

/// Objects in one representation, however its containers are nested.
const BUDGET: usize = 1000;

/// Representations of objects, made as Python's `reprlib` makes them, from the values that a
/// snapshot kept and the references between its objects.
///
/// A `__repr__` written in Python never runs: where a class has one, what `object.__repr__`
/// prints is shown.
pub(crate) struct Repr<'a> {
    heap: &'a Heap,
    limits: Limits,
    left: Cell<usize>,
}

impl<'a> Repr<'a> {
    pub(crate) fn new(heap: &'a Heap, limits: Limits) -> Self {
        Self {
            heap,
            limits,
            left: Cell::new(0),
        }
    }

    /// The representation of an object.
    pub(crate) fn of(&self, object: ObjectId) -> String {
        self.left.set(BUDGET);
        self.nested(object, self.limits.depth)
    }

    fn nested(&self, object: ObjectId, depth: usize) -> String {
        let Some(left) = self.left.get().checked_sub(1) else {
            return CUT.to_owned();
        };
        self.left.set(left);
        let object_type = self.heap.snapshot().type_of(object);
        if is_builtin(object_type) {
            match object_type.name.as_str() {
                "str" => return self.text(object),
                "int" => return cut_middle(self.other(object), self.limits.digits),
                "tuple" => return self.items(object, depth, "(", ")"),
                "list" => return self.items(object, depth, "[", "]"),
                "set" => return self.members(object, depth, "set()", ("{", "}")),
                "frozenset" => {
                    return self.members(object, depth, "frozenset()", ("frozenset({", "})"));
                }
                "dict" => return self.entries(object, depth),
                _ => {}
            }
        } else if object_type.module == "collections" && object_type.name == "deque" {
            return self.items(object, depth, "deque([", "])");
        }
        cut_middle(self.other(object), self.limits.other)
    }

    fn text(&self, object: ObjectId) -> String {
        match self.heap.snapshot().values.get(object) {
            Some(value) if value.form == ValueForm::Text => {
                short_text_repr(&value.text(), self.limits.string)
            }
            Some(value) if value.form == ValueForm::TextStart => {
                cut_end(text_repr(&value.text()), self.limits.string)
            }
            _ => self.other(object),
        }
    }

    fn items(&self, object: ObjectId, depth: usize, open: &str, close: &str) -> String {
        let items = |reference: Reference| match reference.relation {
            Relation::Index(_) => Some(reference.target),
            _ => None,
        };
        let references = || self.heap.snapshot().references.of(object);
        let close = match close {
            ")" if references().filter_map(items).take(2).count() == 1 => ",)",
            _ => close,
        };
        let items = references().filter_map(items);
        self.container(
            items,
            self.limits.items,
            depth,
            (open, close),
            |item, depth| self.nested(item, depth),
        )
    }

    fn members(&self, set: ObjectId, depth: usize, empty: &str, braces: (&str, &str)) -> String {
        let references = self.heap.snapshot().references.of(set);
        let mut members: Vec<ObjectId> = references
            .filter_map(|reference| match reference.relation {
                Relation::Member(_) => Some(reference.target),
                _ => None,
            })
            .take(BUDGET)
            .collect();
        if members.is_empty() {
            return empty.to_owned();
        }
        self.sort(&mut members);
        self.container(
            members.into_iter(),
            self.limits.items,
            depth,
            braces,
            |member, depth| self.nested(member, depth),
        )
    }

    /// Sorts the members of a set as `reprlib` does, when Python can compare them.
    fn sort(&self, members: &mut [ObjectId]) {
        let keys: Vec<_> = members
            .iter()
            .map(|&id| KeyOrder::of(self.heap, id))
            .collect();
        if keys.windows(2).all(|pair| pair[0].compares_with(&pair[1])) {
            members.sort_by_cached_key(|&id| KeyOrder::of(self.heap, id));
        }
    }

    fn entries(&self, dict: ObjectId, depth: usize) -> String {
        let references = self.heap.snapshot().references.of(dict);
        let entries = references.filter_map(|entry| match entry.relation {
            Relation::Value(key) => Some((key, entry.target)),
            _ => None,
        });
        self.container(
            entries,
            self.limits.entries,
            depth,
            ("{", "}"),
            |(key, value), depth| {
                format!("{}: {}", self.nested(key, depth), self.nested(value, depth))
            },
        )
    }

    fn container<T>(
        &self,
        mut parts: impl Iterator<Item = T>,
        limit: usize,
        depth: usize,
        (open, close): (&str, &str),
        part: impl Fn(T, usize) -> String,
    ) -> String {
        let Some(inner) = depth.checked_sub(1) else {
            let cut = parts.next().map_or("", |_| CUT);
            return format!("{open}{cut}{}", close.trim_start_matches(','));
        };
        let mut shown: Vec<String> = Vec::new();
        for _ in 0..limit {
            match parts.next() {
                Some(next) => shown.push(part(next, inner)),
                None => break,
            }
        }
        if parts.next().is_some() {
            shown.push(CUT.to_owned());
        }
        format!("{open}{}{close}", shown.join(", "))
    }

    /// What is no container: the whole representation, as far as it is known.
    fn other(&self, object: ObjectId) -> String {
        let value = self.heap.snapshot().values.get(object);
        match value.filter(|_| !is_code(self.heap, object)) {
            Some(value) => value_repr(self.heap, object, value),
            None => instance_repr(self.heap, object),
        }
    }
}

fn value_repr(heap: &Heap, object: ObjectId, value: Value<'_>) -> String {
    let literal = match value.form {
        ValueForm::Text => text_repr(&value.text()),
        ValueForm::TextStart => cut_end(text_repr(&value.text()), usize::MAX),
        ValueForm::Bytes => bytes_repr(value.bytes),
        ValueForm::BytesStart => cut_end(bytes_repr(value.bytes), usize::MAX),
        ValueForm::Repr => return harmless(&value.text()).into_owned(),
    };
    match heap.snapshot().type_of(object).name.as_str() {
        "bytearray" => format!("bytearray({literal})"),
        _ => literal,
    }
}
