//! heapy's table of single objects.

use crate::{
    Heap, PartitionRow,
    classes::simple::brief,
    key_order::KeyOrder,
    rendering::{is_number, owner, rendering},
    type_names::is_builtin,
};
use exuvia_snapshot::{Kind, KindShape, ObjectId, TypeId};

/// What is written of each object of a set.
pub(crate) struct Identity<'a> {
    heap: &'a Heap,
    /// The only kind of the objects; none when there are several.
    kind: Option<&'a Kind>,
}

/// By what heapy sorts objects of the same size.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Value(KeyOrder<'a>),
    Address(u64),
    Text(String),
}

impl<'a> Identity<'a> {
    pub(crate) fn of(heap: &'a Heap, ids: &[ObjectId]) -> Self {
        let snapshot = heap.snapshot();
        let kinds = || ids.iter().map(|id| snapshot.objects.kind[id.index()]);
        let first = kinds().next();
        let is_only = kinds().all(|kind| Some(kind) == first);
        Self {
            heap,
            kind: first
                .filter(|_| is_only)
                .and_then(|kind| snapshot.kinds.get(kind.index())),
        }
    }

    /// The name of the kind, `<mixed>` for several.
    pub(crate) fn label(&self) -> String {
        format!("<{}>", self.kind.map_or("mixed", |kind| &kind.name))
    }

    /// heapy's title of the column: what the text of an object is.
    pub(crate) fn header(&self) -> String {
        let Some(kind) = self.kind else {
            return "Brief".to_owned();
        };
        match kind.shape {
            KindShape::DictOf(owner) => format!("Owner {}", self.header_of(owner)),
            KindShape::Plain | KindShape::DictWithoutOwner => {
                self.header_of(kind.type_id).to_owned()
            }
        }
    }

    fn header_of(&self, id: TypeId) -> &'static str {
        let types = &self.heap.snapshot().types;
        let Some(object_type) = types.get(id.index()) else {
            return "Address";
        };
        if is_metaclass(self.heap, id) {
            return "Name";
        }
        if !is_builtin(object_type) {
            return "Address";
        }
        match object_type.name.as_str() {
            "bool" | "complex" | "float" | "int" | "NoneType" => "Value",
            "str" | "bytes" => "Representation (limited)",
            "dict" | "list" | "tuple" => "Address*Length",
            "function" | "module" => "Name",
            // heapy has the line of the code as well, and names of C functions.
            "code" => "File:Line:Name",
            "frame" => "Name at Address",
            "method" => "Type/<Type at address> . method",
            "traceback" => "Frame at Address",
            _ => "Address",
        }
    }

    /// The rows of objects, the largest object first. Only the first `wanted` are made, for
    /// making the text of an object takes longer than everything else.
    pub(crate) fn rows(&self, ids: &[ObjectId], wanted: usize) -> Vec<PartitionRow> {
        let sizes = &self.heap.snapshot().objects.size;
        let mut ids = ids.to_vec();
        ids.sort_by_key(|id| std::cmp::Reverse(sizes[id.index()]));
        let mut begin = 0;
        while begin < wanted.min(ids.len()) {
            let size = sizes[ids[begin].index()];
            let end = begin + ids[begin..].partition_point(|id| sizes[id.index()] == size);
            ids[begin..end].sort_by_cached_key(|&id| self.key(id));
            begin = end;
        }
        ids.iter()
            .take(wanted)
            .map(|&id| PartitionRow {
                name: self.text(id),
                count: 1,
                size: sizes[id.index()],
                retained: None,
            })
            .collect()
    }

    /// The row of an object.
    pub(crate) fn text(&self, id: ObjectId) -> String {
        match self.kind.map(|kind| kind.shape) {
            None => brief(self.heap, id),
            Some(KindShape::DictOf(_)) => {
                let owner = owner(self.heap, id);
                rendering(self.heap, owner.unwrap_or(id))
            }
            Some(KindShape::Plain | KindShape::DictWithoutOwner) => rendering(self.heap, id),
        }
    }

    fn key(&self, id: ObjectId) -> (Option<&'a str>, Key<'a>) {
        let kind = self.heap.snapshot().kind(id);
        let name = self.kind.is_none().then_some(kind.name.as_str());
        let key = match self.header_of(kind.type_id) {
            _ if matches!(kind.shape, KindShape::DictOf(_)) => Key::Text(self.text(id)),
            _ if is_number(self.heap, id) => Key::Value(KeyOrder::of(self.heap, id)),
            "Representation (limited)" => Key::Value(KeyOrder::of(self.heap, id)),
            "Address" | "Address*Length" => {
                Key::Address(self.heap.snapshot().objects.address[id.index()])
            }
            _ => Key::Text(rendering(self.heap, id)),
        };
        (name, key)
    }
}

/// Whether the instances of a type are types.
fn is_metaclass(heap: &Heap, id: TypeId) -> bool {
    let types = &heap.snapshot().types;
    let bases = std::iter::successors(Some(id), |id| types.get(id.index())?.base);
    bases
        .take(types.len())
        .filter_map(|id| types.get(id.index()))
        .any(|base| is_builtin(base) && base.name == "type")
}
