use crate::Heap;
use exuvia_snapshot::{ObjectId, Relation, ValueForm};
use std::cmp::Reverse;

/// How deep tuples are compared.
const DEPTH: usize = 6;

/// How many items of a tuple are compared.
const ITEMS: usize = 8;

/// Where a key stands among the keys of a dictionary or the members of a set: compared by
/// the address of its type, by value where Python's `<` does so, and otherwise by address.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyOrder<'a> {
    type_address: u64,
    content: Content<'a>,
    address: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Content<'a> {
    Unordered,
    /// UTF-8 sorts like code points.
    Bytes(&'a [u8]),
    Integer(Integer<'a>),
    /// The bits of a float, so that they sort like floats.
    Float(u64),
    Tuple(Vec<KeyOrder<'a>>),
}

/// A decimal number of any length.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Integer<'a> {
    /// How many digits it has, negative for a negative number.
    magnitude: i64,
    positive: &'a [u8],
    negative: Reverse<&'a [u8]>,
}

impl<'a> KeyOrder<'a> {
    pub(crate) fn of(heap: &'a Heap, object: ObjectId) -> Self {
        Self::nested(heap, object, DEPTH)
    }

    /// Whether Python can tell which of two keys is the smaller one.
    pub(crate) fn compares_with(&self, other: &Self) -> bool {
        self.type_address == other.type_address
            && ![&self.content, &other.content].contains(&&Content::Unordered)
    }

    fn nested(heap: &'a Heap, object: ObjectId, depth: usize) -> Self {
        let snapshot = heap.snapshot();
        let object_type = snapshot.type_of(object);
        Self {
            type_address: object_type.address,
            content: match object_type.name.as_str() {
                "tuple" if depth > 0 => Content::Tuple(items(heap, object, depth - 1)),
                name => scalar(heap, object, name).unwrap_or(Content::Unordered),
            },
            address: snapshot.objects.address[object.index()],
        }
    }
}

fn items(heap: &Heap, tuple: ObjectId, depth: usize) -> Vec<KeyOrder<'_>> {
    let references = heap.snapshot().references.of(tuple);
    let items = references.filter(|item| matches!(item.relation, Relation::Index(_)));
    items
        .take(ITEMS)
        .map(|item| KeyOrder::nested(heap, item.target, depth))
        .collect()
}

fn scalar<'a>(heap: &'a Heap, object: ObjectId, type_name: &str) -> Option<Content<'a>> {
    let value = heap.snapshot().values.get(object)?;
    match (value.form, type_name) {
        (ValueForm::Repr, "int") => Some(Content::Integer(Integer::of(value.bytes))),
        (ValueForm::Repr, "float") => {
            let float: f64 = value.text().parse().ok()?;
            let bits = float.to_bits();
            let sign = 1 << 63;
            Some(Content::Float(if bits & sign == 0 {
                bits | sign
            } else {
                !bits
            }))
        }
        (ValueForm::Repr, "bool") => Some(Content::Bytes(value.bytes)),
        (ValueForm::Repr, _) => None,
        _ => Some(Content::Bytes(value.bytes)),
    }
}

impl<'a> Integer<'a> {
    fn of(decimal: &'a [u8]) -> Self {
        match decimal.strip_prefix(b"-") {
            Some(digits) => Self {
                magnitude: -(digits.len() as i64),
                positive: b"",
                negative: Reverse(digits),
            },
            None => Self {
                magnitude: decimal.len() as i64,
                positive: decimal,
                negative: Reverse(b""),
            },
        }
    }
}
