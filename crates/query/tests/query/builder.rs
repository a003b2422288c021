use exuvia_query::{Heap, PathOptions, ShortestPaths, Term};
use exuvia_snapshot::{
    Kind, KindId, KindShape, Mapping, MemoryFacts, NameId, ObjectFlags, ObjectId, Reference,
    References, Relation, Root, RootCategory, Snapshot, SuspendedFrame, Type, TypeFlags, TypeId,
    ValueForm, Values,
};

/// Types lie from here on, a page each, in the order in which they are first used.
const TYPES: u64 = 0x1_0000;
/// Objects lie from here on, 64 bytes each.
const OBJECTS: u64 = 0x7f00_0000_0000;

/// A snapshot, object by object. Each object is 10 bytes large and has as many references as
/// its reference count says, unless that is set.
#[derive(Default)]
pub(crate) struct Builder {
    snapshot: Snapshot,
    references: Vec<Vec<Reference>>,
    refcounts: Vec<Option<u32>>,
    values: Vec<Option<(ValueForm, Vec<u8>)>>,
}

impl Builder {
    /// An object of a type, `module.Name` or the name of a built-in.
    pub(crate) fn object(&mut self, type_name: &str) -> ObjectId {
        let type_id = self.type_id(type_name);
        let kind = self.kind(type_name, type_id, KindShape::Plain);
        self.of_kind(kind)
    }

    /// A dictionary of a kind: `dict of module`.
    pub(crate) fn dict_of(&mut self, owner: &str) -> ObjectId {
        let (dict, owner_type) = (self.type_id("dict"), self.type_id(owner));
        let name = format!("dict of {owner}");
        let kind = self.kind(&name, dict, KindShape::DictOf(owner_type));
        self.of_kind(kind)
    }

    fn of_kind(&mut self, kind: KindId) -> ObjectId {
        let objects = &mut self.snapshot.objects;
        let id = ObjectId(objects.len() as u32);
        objects.address.push(address(id));
        objects.kind.push(kind);
        objects.size.push(10);
        objects.allocated.push(16);
        objects.refcount.push(0);
        objects.flags.push(ObjectFlags::default());
        self.references.push(Vec::new());
        self.refcounts.push(None);
        self.values.push(None);
        id
    }

    fn type_id(&mut self, name: &str) -> TypeId {
        let (module, bare) = name.rsplit_once('.').unwrap_or(("builtins", name));
        let types = &mut self.snapshot.types;
        let known = types
            .iter()
            .position(|t| t.module == module && t.name == bare);
        let id = known.unwrap_or_else(|| {
            types.push(Type {
                address: TYPES + 0x1000 * types.len() as u64,
                module: module.to_owned(),
                name: bare.to_owned(),
                ..Type::default()
            });
            types.len() - 1
        });
        TypeId(id as u32)
    }

    fn kind(&mut self, name: &str, type_id: TypeId, shape: KindShape) -> KindId {
        let kinds = &mut self.snapshot.kinds;
        let known = kinds.iter().position(|kind| kind.name == name);
        let id = known.unwrap_or_else(|| {
            kinds.push(Kind {
                name: name.to_owned(),
                type_id,
                shape,
            });
            kinds.len() - 1
        });
        KindId(id as u32)
    }

    /// An instance of a class that Python code defines.
    pub(crate) fn heap_object(&mut self, type_name: &str) -> ObjectId {
        let id = self.object(type_name);
        let type_id = self.type_id(type_name);
        self.snapshot.types[type_id.index()].flags = TypeFlags::HEAP;
        id
    }

    /// The class of a type as an object.
    pub(crate) fn class(&mut self, name: &str) -> ObjectId {
        let id = self.object("type");
        let type_id = self.type_id(name);
        self.snapshot.types[type_id.index()].object = Some(id);
        id
    }

    pub(crate) fn string(&mut self, text: &str) -> ObjectId {
        self.valued("str", ValueForm::Text, text.as_bytes())
    }

    pub(crate) fn int(&mut self, decimal: &str) -> ObjectId {
        self.valued("int", ValueForm::Repr, decimal.as_bytes())
    }

    pub(crate) fn valued(&mut self, type_name: &str, form: ValueForm, value: &[u8]) -> ObjectId {
        let id = self.object(type_name);
        self.values[id.index()] = Some((form, value.to_vec()));
        id
    }

    pub(crate) fn tuple(&mut self, items: &[ObjectId]) -> ObjectId {
        self.sequence("tuple", items)
    }

    pub(crate) fn sequence(&mut self, type_name: &str, items: &[ObjectId]) -> ObjectId {
        let id = self.object(type_name);
        for (index, &item) in (0..).zip(items) {
            self.refer(id, item, Relation::Index(index));
        }
        id
    }

    pub(crate) fn set(&mut self, type_name: &str, members: &[ObjectId]) -> ObjectId {
        let id = self.object(type_name);
        for (index, &member) in (0..).zip(members) {
            self.refer(id, member, Relation::Member(index));
        }
        id
    }

    /// Puts an entry into a dictionary.
    pub(crate) fn entry(&mut self, dict: ObjectId, key: ObjectId, value: ObjectId) {
        let index = self.references[dict.index()].len() as u32 / 2;
        self.refer(dict, key, Relation::Key(index));
        self.refer(dict, value, Relation::Value(key));
    }

    pub(crate) fn refer(&mut self, source: ObjectId, target: ObjectId, relation: Relation) {
        self.add(source, target, relation, false);
    }

    pub(crate) fn refer_weakly(&mut self, source: ObjectId, target: ObjectId, relation: Relation) {
        self.add(source, target, relation, true);
    }

    fn add(&mut self, source: ObjectId, target: ObjectId, relation: Relation, weak: bool) {
        self.references[source.index()].push(Reference {
            target,
            relation,
            weak,
        });
    }

    pub(crate) fn name(&mut self, name: &str) -> NameId {
        self.snapshot.names.push(name.to_owned());
        NameId(self.snapshot.names.len() as u32 - 1)
    }

    pub(crate) fn root(&mut self, name: &str, target: ObjectId) {
        self.root_of(name, target, RootCategory::Interpreter);
    }

    pub(crate) fn root_of(&mut self, name: &str, target: ObjectId, category: RootCategory) {
        self.snapshot.roots.push(Root {
            name: name.to_owned(),
            target,
            category,
            owned: true,
        });
    }

    pub(crate) fn flags(&mut self, id: ObjectId, flags: ObjectFlags) {
        self.snapshot.objects.flags[id.index()] = flags;
    }

    pub(crate) fn size(&mut self, id: ObjectId, size: u64) {
        self.snapshot.objects.size[id.index()] = size;
    }

    pub(crate) fn refcount(&mut self, id: ObjectId, refcount: u32) {
        self.refcounts[id.index()] = Some(refcount);
    }

    pub(crate) fn resident(&mut self, bytes: u64) {
        self.snapshot.metadata.process.resident = bytes;
    }

    pub(crate) fn digest(&mut self, id: ObjectId, digest: u64) {
        self.snapshot.digests.push(id, digest);
    }

    /// Facts about the memory of the process, and its mappings.
    pub(crate) fn memory(&mut self, facts: MemoryFacts, mappings: Vec<Mapping>) {
        self.snapshot.metadata.memory = Some(facts);
        self.snapshot.mappings = mappings;
    }

    /// A generator or coroutine that waits; in the order of their addresses.
    pub(crate) fn suspended(&mut self, object: ObjectId) {
        self.snapshot.suspended.push(SuspendedFrame {
            object,
            ..SuspendedFrame::default()
        });
    }

    pub(crate) fn finish(mut self) -> Heap {
        let mut columns = References::default();
        let mut values = Values::default();
        for (id, row) in (0..).map(ObjectId).zip(&self.references) {
            row.iter().for_each(|&reference| columns.push(reference));
            columns.finish_object().unwrap();
            if let Some((form, value)) = &self.values[id.index()] {
                values.push(id, *form, value);
            }
            let strong = self
                .references
                .iter()
                .flatten()
                .filter(|r| r.target == id && !r.weak);
            let roots = self.snapshot.roots.iter().filter(|root| root.target == id);
            let counted = (strong.count() + roots.count()) as u32;
            self.snapshot.objects.refcount[id.index()] =
                self.refcounts[id.index()].unwrap_or(counted);
        }
        self.snapshot.references = columns;
        self.snapshot.values = values;
        Heap::new(self.snapshot)
    }
}

pub(crate) fn address(id: ObjectId) -> u64 {
    OBJECTS + 64 * u64::from(id.0)
}

pub(crate) fn paths_to(heap: &Heap, target: ObjectId) -> ShortestPaths<'_> {
    let target = heap.select(&Term::At(address(target)).into()).unwrap();
    heap.shortest_paths(&target, &PathOptions::default())
}

/// The texts of all shortest paths to an object.
pub(crate) fn texts(heap: &Heap, target: ObjectId) -> Vec<String> {
    paths_to(heap, target)
        .iter()
        .map(|path| path.to_string())
        .collect()
}
