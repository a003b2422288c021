use super::apart::Apart;
use super::places::Place;
use crate::reader::Reader;
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_snapshot::{ObjectFlags, ObjectId, Snapshot, TypeId};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// The most types whose getters are asked.
const MAX_TABLES: usize = 4096;
/// For how many objects each getter of a type is asked, at most.
const MAX_SAMPLES: usize = 16;
/// How many different objects there should be in a word of them.
const WANTED: usize = 2;

/// The objects whose getters are to be asked.
pub(super) struct Samples {
    pub(super) tables: Vec<Table>,
    by_address: FxHashMap<RemoteAddress, usize>,
    /// The tables of a type and its bases, the nearest first, once it was met.
    by_type: Vec<Option<Rc<[usize]>>>,
}

/// A `tp_getset`, which the subtypes of a type share, and objects to ask it for.
pub(super) struct Table {
    pub(super) address: RemoteAddress,
    pub(super) samples: Vec<Sample>,
    /// What is in the words of the samples.
    seen: FxHashMap<u16, Vec<ObjectId>>,
    apart: Apart,
}

/// An object for which getters are asked.
pub(super) struct Sample {
    pub(super) object: RemoteAddress,
    /// Its references that have no name.
    pub(super) fields: Vec<Field>,
}

/// A word of an object, and what it leads to.
pub(super) struct Field {
    pub(super) word: u16,
    pub(super) target: ObjectId,
    /// It is not one of those that many functions return for different reasons: `None`, `True`,
    /// small numbers and the like.
    pub(super) is_distinctive: bool,
}

impl Samples {
    /// Chooses objects of each type that differ in what they refer to.
    pub(super) fn choose<M: Memory>(
        reader: &mut Reader<'_, M>,
        snapshot: &Snapshot,
        places: &[Place],
    ) -> Self {
        let mut samples = Self {
            tables: Vec::new(),
            by_address: FxHashMap::default(),
            by_type: vec![None; snapshot.types.len()],
        };
        for places in places.chunk_by(|a, b| a.object == b.object) {
            let type_id = snapshot.kind(places[0].object).type_id;
            for table in samples.load(reader, snapshot, type_id).iter() {
                samples.tables[*table].consider(snapshot, places);
            }
        }
        samples
    }

    /// The tables of the type of an object, the nearest base first.
    pub(super) fn tables_of(&self, snapshot: &Snapshot, object: ObjectId) -> &[usize] {
        let type_id = snapshot.kind(object).type_id;
        self.by_type[type_id.index()].as_deref().unwrap_or_default()
    }

    fn load<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        snapshot: &Snapshot,
        type_id: TypeId,
    ) -> Rc<[usize]> {
        if let Some(known) = &self.by_type[type_id.index()] {
            return Rc::clone(known);
        }
        let info = reader.type_at(RemoteAddress::new(snapshot.types[type_id.index()].address));
        let getset = info.iter().flat_map(|info| &info.getset);
        let tables: Rc<[usize]> = getset.filter_map(|&one| self.table(one)).collect();
        self.by_type[type_id.index()] = Some(Rc::clone(&tables));
        tables
    }

    fn table(&mut self, address: RemoteAddress) -> Option<usize> {
        if let Some(&known) = self.by_address.get(&address) {
            return Some(known);
        }
        let number = self.tables.len();
        if number == MAX_TABLES {
            return None;
        }
        self.by_address.insert(address, number);
        self.tables.push(Table {
            address,
            samples: Vec::new(),
            seen: FxHashMap::default(),
            apart: Apart::default(),
        });
        Some(number)
    }
}

impl Table {
    /// Takes an object when one of its words leads to something new, and when it tells words
    /// apart.
    fn consider(&mut self, snapshot: &Snapshot, places: &[Place]) {
        if self.samples.len() == MAX_SAMPLES {
            return;
        }
        let targets = snapshot.references.targets();
        let target = |place: &Place| targets[place.reference as usize];
        let is_new = |place: &Place| {
            let seen = self.seen.get(&place.word).map_or(&[][..], Vec::as_slice);
            seen.len() < WANTED
                && !seen.contains(&target(place))
                && is_distinctive(snapshot, target(place))
        };
        if !places.iter().any(is_new) && !self.apart.is_advanced_by(places, target) {
            return;
        }
        self.apart.add(places, target);
        let mut fields = Vec::with_capacity(places.len());
        for place in places {
            let (word, target) = (place.word, target(place));
            let is_distinctive = is_distinctive(snapshot, target);
            if is_distinctive {
                self.seen.entry(word).or_default().push(target);
            }
            fields.push(Field {
                word,
                target,
                is_distinctive,
            });
        }
        let address = snapshot.objects.address[places[0].object.index()];
        self.samples.push(Sample {
            object: RemoteAddress::new(address),
            fields,
        });
    }
}

fn is_distinctive(snapshot: &Snapshot, object: ObjectId) -> bool {
    let is_static = snapshot.objects.flags[object.index()].contains(ObjectFlags::STATIC);
    !is_static && snapshot.type_of(object).tp_name != "int"
}
