//! The second pass: what each object is, and what it refers to, now that every object has a
//! number.
//!
//! Threads take chunks of memory in the order of addresses; the results are put together in
//! that order, so that the tables come out sorted.

use crate::decode;
use crate::decode::extension::SharedBlock;
use crate::decode::scan::{self, LeftOut};
use crate::diagnostics::Trouble;
use crate::digest::Digester;
use crate::extent;
use crate::generations::Generations;
use crate::kinds::KindTable;
use crate::marks::Numbers;
use crate::native::{self, Place};
use crate::owners::Owners;
use crate::reader::Reader;
use crate::runtime::Interpreter;
use crate::sink::{Hold, Sink, Step};
use crate::types::{Family, TypeInfo};
use crate::values::ValueReader;
use exuvia_cpython::type_flags;
use exuvia_memory::{Fault, Memory, RemoteAddress};
use exuvia_snapshot::{
    Digests, KindId, ObjectFlags, ObjectId, Objects, Reference, References, ReferencesOverflow,
    Relation, TypeId, ValueForm, Values,
};
use rustc_hash::{FxHashMap, FxHashSet};

/// The rows of some chunks of memory.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) objects: Objects,
    pub(crate) references: References,
    pub(crate) values: Values,
    pub(crate) digests: Digests,
    /// Dictionaries, and the type of the instance whose `__dict__` each is.
    pub(crate) owned_dicts: Vec<(ObjectId, TypeId)>,
    /// Memory that objects share, with the row in this batch of each that may own it.
    pub(crate) shared: Vec<(usize, SharedBlock)>,
    /// Where references stand that have no name yet.
    pub(crate) places: Vec<Place>,
}

/// What the threads share.
pub(crate) struct Description<'a> {
    pub(crate) numbers: &'a Numbers,
    pub(crate) kinds: &'a KindTable,
    pub(crate) synthetic: &'a FxHashSet<RemoteAddress>,
    pub(crate) interpreters: &'a [Interpreter],
    pub(crate) owners: &'a Owners,
    /// None where the collector has no lists.
    pub(crate) generations: Option<&'a Generations>,
    pub(crate) values: ValueReader,
    /// Who makes digests of contents that are not kept whole.
    pub(crate) digester: Option<&'a Digester>,
}

/// Numbers the references of one object.
struct Describe<'a> {
    numbers: &'a Numbers,
    references: &'a mut References,
    owned_dict: Option<ObjectId>,
    /// Of an object whose type was asked: all that was visited.
    visited: Option<FxHashSet<ObjectId>>,
}

impl Describe<'_> {
    fn relation(&self, step: Step) -> Option<Relation> {
        let id = |address| self.numbers.get(address);
        let index = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        Some(match step {
            Step::Attribute(name) => Relation::Attribute(name),
            Step::InlineAttribute(name) => Relation::InlineAttribute(id(name)?),
            Step::InstanceDict => Relation::InstanceDict,
            Step::Index(i) => Relation::Index(index(i)),
            Step::Value(key) => Relation::Value(id(key)?),
            Step::Key(i) => Relation::Key(index(i)),
            Step::Interior(name) => Relation::Interior(name),
            Step::Numbered(i) => Relation::Numbered(index(i)),
            Step::Word(i) => Relation::Word(index(i)),
            Step::Local(name) => Relation::Local(id(name)?),
            Step::Cell(name) => Relation::Cell(id(name)?),
            Step::SuspendedLocal(name) => Relation::SuspendedLocal(id(name)?),
            Step::Stack(i) => Relation::Stack(index(i)),
            Step::SuspendedStack(i) => Relation::SuspendedStack(index(i)),
            Step::Member(i) => Relation::Member(index(i)),
        })
    }
}

impl Describe<'_> {
    /// Adds what an object's type itself visited, less what has a name already: the
    /// references from `first` on.
    fn add_visited(&mut self, first: usize, visited: &[RemoteAddress]) {
        let mut named: FxHashMap<ObjectId, usize> = FxHashMap::default();
        for place in first..self.references.len() {
            let reference = self.references.get(place);
            if !reference.weak {
                *named.entry(reference.target).or_default() += 1;
            }
        }
        for (i, &target) in visited.iter().enumerate() {
            let Some(id) = self.numbers.get(target) else {
                continue;
            };
            match named.get_mut(&id) {
                Some(count) if *count > 0 => *count -= 1,
                _ => self.refer(target, Step::Numbered(i), Hold::Owned),
            }
        }
    }

    /// The objects that an object refers to, as far as is known.
    fn targets(&self, first: usize) -> FxHashSet<ObjectId> {
        (first..self.references.len())
            .map(|place| self.references.get(place).target)
            .collect()
    }
}

impl Sink for Describe<'_> {
    #[inline]
    fn refer(&mut self, target: RemoteAddress, step: Step, hold: Hold) {
        let Some(target) = self.numbers.get(target) else {
            // Null, or counted as no object in the first pass.
            return;
        };
        // The name of a reference is an object too; if it is broken, the place has to do.
        let relation = self.relation(step).unwrap_or(Relation::Numbered(0));
        if step == Step::InstanceDict {
            self.owned_dict = Some(target);
        }
        self.references.push(Reference {
            target,
            relation,
            weak: hold != Hold::Owned,
        });
    }

    fn refer_by_word<M: Memory>(
        &mut self,
        _: &mut Reader<'_, M>,
        word: RemoteAddress,
        step: Step,
        hold: Hold,
    ) {
        // What a type has visited itself may also lie in its words.
        let is_known = |known: &FxHashSet<ObjectId>| {
            let id = self.numbers.get(word);
            id.is_some_and(|id| known.contains(&id))
        };
        if !self.visited.as_ref().is_some_and(is_known) {
            self.refer(word, step, hold);
        }
    }
}

impl Description<'_> {
    /// The rows of the objects of one chunk.
    pub(crate) fn chunk<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        chunk: usize,
    ) -> Result<Batch, ReferencesOverflow> {
        let mut batch = Batch::default();
        for object in self.numbers.in_chunk(chunk) {
            self.object(reader, object, &mut batch)?;
        }
        Ok(batch)
    }

    fn object<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        batch: &mut Batch,
    ) -> Result<(), ReferencesOverflow> {
        let first = batch.references.len();
        let mut sink = Describe {
            numbers: self.numbers,
            references: &mut batch.references,
            owned_dict: None,
            visited: None,
        };
        match reader.type_of(object) {
            Some(info) => {
                // Trouble was counted in the first pass.
                let _ = reader.quietly(|reader| self.references(reader, object, &info, &mut sink));
                let owned_dict = sink.owned_dict;
                let (numbers, references) = (self.numbers, &batch.references);
                let places = native::places(reader, (object, &info), numbers, references, first);
                batch.places.extend(places);
                let (kind, type_id) = self.kinds.of(&info);
                batch
                    .owned_dicts
                    .extend(owned_dict.map(|dict| (dict, type_id)));
                self.row(reader, object, &info, kind, batch);
            }
            None => {
                if self.synthetic.contains(&object) {
                    let _ = reader
                        .quietly(|reader| decode::frame::synthetic(reader, object, &mut sink));
                } else {
                    // It was an object in the first pass: the row stays, and is never counted.
                    reader.diagnostics.count(Trouble::NotAnObject, object);
                }
                let rows = &mut batch.objects;
                push(
                    rows,
                    object,
                    self.kinds.frame(),
                    extent::Extent::default(),
                    0,
                    ObjectFlags::SYNTHETIC,
                );
            }
        }
        self.interpreter(object, &mut batch.objects);
        batch.references.finish_object()
    }

    /// Adds the interpreter to the row that was added last, if there are several.
    fn interpreter(&self, object: RemoteAddress, rows: &mut Objects) {
        if !self.owners.are_several() {
            return;
        }
        let is_static = rows
            .flags
            .last()
            .is_some_and(|flags| flags.contains(ObjectFlags::STATIC));
        let owner = self.interpreters.get(self.owners.get(object));
        rows.interpreter.push(match owner {
            Some(owner) if !is_static => owner.id,
            _ => Objects::SHARED,
        });
    }

    fn references<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        info: &TypeInfo,
        sink: &mut Describe<'_>,
    ) -> Result<(), Fault> {
        let first = sink.references.len();
        let read = decode::references(reader, object, info, sink);
        let Some(visited) = self.visited(reader, object, info) else {
            return read;
        };
        sink.add_visited(first, visited);
        sink.visited = Some(sink.targets(first));
        match info.scan {
            true => read.and(scan::left_out(reader, object, info, LeftOut::Any, sink)),
            false => read,
        }
    }

    /// What an object that was asked has visited.
    fn visited<'r, M: Memory>(
        &self,
        reader: &Reader<'r, M>,
        object: RemoteAddress,
        info: &TypeInfo,
    ) -> Option<&'r [RemoteAddress]> {
        let may_be = info.native.is_some() || info.family == Family::Module;
        reader.native.of(object).filter(|_| may_be)
    }

    fn row<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        info: &TypeInfo,
        kind: KindId,
        batch: &mut Batch,
    ) {
        let word = reader.refcount_word(object).unwrap_or(0);
        let is_static = self.is_static(reader, object, info);
        let mut flags = ObjectFlags::default();
        if self.numbers.is_tracked(object) {
            flags = flags.with(ObjectFlags::TRACKED);
            if let Some(generations) = self.generations {
                flags = flags.in_generation(generations.get(object));
            }
        }
        if is_static {
            flags = flags.with(ObjectFlags::STATIC);
        }
        let is_told = info.unseen.is_empty() && self.visited(reader, object, info).is_some();
        if info.scan && !is_told {
            flags = flags.with(ObjectFlags::CONSERVATIVE);
        }
        let immortal = reader.layout.shapes.immortal;
        if immortal.is_immortal(word) {
            flags = flags.with(ObjectFlags::IMMORTAL);
        }
        let refcount = immortal.refcount(word);
        let extent = reader.quietly(|reader| extent::of(reader, object, info, is_static));
        let mut extent = extent.unwrap_or_default();
        if extent.size.max(extent.allocated) > reader.memory_bytes {
            reader.diagnostics.count(Trouble::ImplausibleSize, object);
            extent = extent::Extent::default();
        }
        if let Some(extension) = info.extension {
            let row = batch.objects.address.len();
            let mut each = |block| batch.shared.push((row, block));
            if extension.shared(reader, object, &mut each).is_err() {
                let trouble = Trouble::UnknownNativeMemory;
                reader.diagnostics.count(trouble, object);
            }
        }
        push(&mut batch.objects, object, kind, extent, refcount, flags);
        if let Some(id) = self.numbers.get(object) {
            let kept = self
                .values
                .keep(reader, object, id, info, &mut batch.values);
            let is_start = matches!(kept, Some(ValueForm::TextStart | ValueForm::BytesStart));
            if let Some(digester) = self.digester.filter(|_| is_start)
                && let Some(digest) = digester.of(reader, object, info)
            {
                batch.digests.push(id, digest);
            }
        }
    }

    /// Whether an object is part of a program's image: static types, small ints, `None`.
    fn is_static<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        info: &TypeInfo,
    ) -> bool {
        if info.family == Family::Type {
            let tp_flags = reader.layout.structs.py_type_object.tp_flags;
            let flags = reader.cache.u64(object.offset(tp_flags)).unwrap_or(0);
            return flags & type_flags::HEAPTYPE == 0;
        }
        reader.is_in_image(object)
    }
}

fn push(
    rows: &mut Objects,
    object: RemoteAddress,
    kind: KindId,
    extent: extent::Extent,
    refcount: u32,
    flags: ObjectFlags,
) {
    rows.address.push(object.get());
    rows.kind.push(kind);
    rows.size.push(extent.size);
    rows.allocated.push(extent.allocated);
    rows.refcount.push(refcount);
    rows.flags.push(flags);
}
