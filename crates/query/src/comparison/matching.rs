use super::contents::{self, Contents, Types};
use super::{parts, places};
use crate::Heap;
use exuvia_graph::BitSet;
use exuvia_snapshot::{ObjectFlags, ObjectId};

/// Which objects of a newer heap are in an older one as well.
///
/// An address alone says little, because allocators use it again at once. So two objects at
/// one address are held for the same only when their type is, nothing that can't change
/// differs, and something speaks for it: equal contents that never change, the same holder at
/// the same place, or values in them that nothing else holds. `docs/comparison.md` has the
/// rules.
#[derive(Debug)]
pub struct Matching {
    /// By newer object: the older one and 1, or 0.
    pairs: Vec<u32>,
    /// The older objects that are in the newer heap.
    found: BitSet,
}

/// The two heaps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) old: &'a Heap,
    pub(super) new: &'a Heap,
}

/// Objects that may be the same, while reasons for and against it are collected.
pub(super) struct Candidates {
    /// By newer object: the older one and 1, or 0.
    pairs: Vec<u32>,
    /// Newer objects for whose being the same something speaks.
    pub(super) confirmed: BitSet,
    /// Newer objects whose being in the same list or set is not enough.
    pub(super) doubtful: BitSet,
}

impl Candidates {
    /// The older object that may be the same as a newer one.
    #[inline]
    pub(super) fn pair(&self, new: ObjectId) -> Option<ObjectId> {
        self.pairs[new.index()].checked_sub(1).map(ObjectId)
    }

    /// Gives up that a newer object is an older one.
    pub(super) fn drop(&mut self, new: ObjectId) {
        self.pairs[new.index()] = 0;
    }

    /// The candidates, in the order of their addresses.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ObjectId, ObjectId)> + '_ {
        let pairs = (0..).map(ObjectId).zip(&self.pairs);
        pairs.filter_map(|(new, pair)| Some((new, ObjectId(pair.checked_sub(1)?))))
    }
}

impl Matching {
    /// Matches the objects of two heaps.
    pub fn of(old: &Heap, new: &Heap) -> Self {
        let sides = Sides { old, new };
        let types = Types::of(&sides);
        let mut candidates = at_one_address(&sides, &types);
        compare_contents(&sides, &types, &mut candidates);
        parts::compare(&sides, &types, &mut candidates);
        places::confirm(&sides, &mut candidates);
        let mut pairs = candidates.pairs;
        let mut found = BitSet::new(old.snapshot().objects.len());
        for (new, pair) in (0..).map(ObjectId).zip(&mut pairs) {
            if !candidates.confirmed.contains(new) {
                *pair = 0;
            } else if let Some(old) = pair.checked_sub(1) {
                found.extend([ObjectId(old)]);
            }
        }
        Self { pairs, found }
    }

    /// The older object that a newer one was; none for one that is new.
    pub fn older(&self, new: ObjectId) -> Option<ObjectId> {
        self.pairs.get(new.index())?.checked_sub(1).map(ObjectId)
    }

    /// Whether an older object is in the newer heap.
    pub fn is_still_there(&self, old: ObjectId) -> bool {
        self.found.contains(old)
    }
}

/// Objects of one type at one address: both tables are sorted by it.
fn at_one_address(sides: &Sides<'_>, types: &Types) -> Candidates {
    let (old, new) = (&sides.old.snapshot().objects, &sides.new.snapshot().objects);
    let mut pairs = vec![0; new.len()];
    let mut before = old.ids().peekable();
    for id in new.ids() {
        let address = new.address[id.index()];
        while before
            .next_if(|was| old.address[was.index()] < address)
            .is_some()
        {}
        if let Some(was) = before.next_if(|was| old.address[was.index()] == address)
            && types.allow(sides, was, id)
        {
            pairs[id.index()] = was.0 + 1;
        }
    }
    Candidates {
        pairs,
        confirmed: BitSet::new(new.len()),
        doubtful: BitSet::new(new.len()),
    }
}

/// Takes out objects with different contents; those with equal ones are the same.
fn compare_contents(sides: &Sides<'_>, types: &Types, candidates: &mut Candidates) {
    let mut old = sides.old.snapshot().values.iter().peekable();
    let snapshot = sides.new.snapshot();
    for (new, value) in snapshot.values.iter() {
        let Some(was) = candidates.pair(new) else {
            continue;
        };
        while old.next_if(|(id, _)| *id < was).is_some() {}
        let Some((_, before)) = old.next_if(|(id, _)| *id == was) else {
            continue;
        };
        let is_scalar = types.is_scalar(snapshot, new);
        // The contents of a bytearray change.
        if snapshot.type_of(new).name == "bytearray" {
            continue;
        }
        match contents::compare(before, value, is_scalar) {
            Contents::Differ => candidates.drop(new),
            Contents::Equal => candidates.confirmed.extend([new]),
            Contents::Unknown => {}
        }
    }
    let statics = |id: &ObjectId| snapshot.objects.flags[id.index()].contains(ObjectFlags::STATIC);
    let fixed: Vec<ObjectId> = candidates
        .iter()
        .map(|(new, _)| new)
        .filter(|new| statics(new) || snapshot.type_of(*new).name == "module")
        .collect();
    candidates.confirmed.extend(fixed);
}
