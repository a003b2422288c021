use super::matching::Sides;
use exuvia_snapshot::{ObjectFlags, ObjectId, Snapshot, Value, ValueForm};
use std::collections::HashMap;

/// What the contents of two objects at one address say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contents {
    /// They can't be the same object.
    Differ,
    /// Nothing against it.
    Unknown,
    /// Nothing could tell them apart: the same contents, which can't change.
    Equal,
}

/// Types of the module `builtins` whose objects never change, and have one size for their
/// life. A `str` is none: it grows when it is encoded first.
const ONE_SIZE: [&str; 9] = [
    "bytes",
    "int",
    "float",
    "complex",
    "tuple",
    "frozenset",
    "range",
    "slice",
    "bool",
];

/// Types whose kept values are their contents, and never change.
const SCALARS: [&str; 6] = ["str", "bytes", "int", "float", "complex", "bool"];

/// Types of the module `builtins` whose objects the collector tracks for all of their life, as
/// it does instances of classes. It may forget a dictionary or tuple, and track a dictionary
/// again, as young, once that holds something to be tracked.
const AGING: [&str; 3] = ["list", "set", "type"];

/// The generation of `gc.freeze()`.
const PERMANENT: u8 = 3;

/// What types of two snapshots are the same, and which are scalars.
pub(super) struct Types {
    /// By type of the newer snapshot: the same type of the older one.
    same: Vec<Option<usize>>,
    one_size: Vec<bool>,
    scalars: Vec<bool>,
    /// Whether the collector tracks objects of the type for all of their life.
    ages: Vec<bool>,
}

impl Types {
    pub(super) fn of(sides: &Sides<'_>) -> Self {
        let (old, new) = (sides.old.snapshot(), sides.new.snapshot());
        let known: HashMap<(u64, &str, &str), usize> = old
            .types
            .iter()
            .enumerate()
            .map(|(id, t)| ((t.address, t.module.as_str(), t.name.as_str()), id))
            .collect();
        let same = new.types.iter().map(|t| {
            let key = (t.address, t.module.as_str(), t.name.as_str());
            known.get(&key).copied()
        });
        let builtin = |names: &[&str]| -> Vec<bool> {
            let types = new.types.iter();
            types
                .map(|t| t.module == "builtins" && names.contains(&t.name.as_str()))
                .collect()
        };
        Self {
            same: same.collect(),
            one_size: builtin(&ONE_SIZE),
            scalars: builtin(&SCALARS),
            ages: new
                .types
                .iter()
                .map(|t| t.module != "builtins" || AGING.contains(&t.name.as_str()))
                .collect(),
        }
    }

    /// Whether a newer object is a number or a text, whose value was kept if any was.
    pub(super) fn is_scalar(&self, snapshot: &Snapshot, new: ObjectId) -> bool {
        self.scalars[type_of(snapshot, new)]
    }

    /// Whether the type and the facts of two objects at one address allow that they are one.
    pub(super) fn allow(&self, sides: &Sides<'_>, old: ObjectId, new: ObjectId) -> bool {
        let (was, is) = (sides.old.snapshot(), sides.new.snapshot());
        let type_id = type_of(is, new);
        if self.same[type_id] != Some(type_of(was, old)) {
            return false;
        }
        let (before, after) = (
            was.objects.flags[old.index()],
            is.objects.flags[new.index()],
        );
        let kept = |flag: ObjectFlags| before.contains(flag) == after.contains(flag);
        let size = was.objects.size[old.index()] == is.objects.size[new.index()];
        kept(ObjectFlags::STATIC)
            && kept(ObjectFlags::SYNTHETIC)
            && (size || !self.one_size[type_id])
            && (!self.ages[type_id] || !is_younger(was, old, is, new))
    }
}

/// Whether an object is in a younger generation of the collector than one was. Objects only
/// grow older, as long as the collector tracks them.
fn is_younger(was: &Snapshot, old: ObjectId, is: &Snapshot, new: ObjectId) -> bool {
    let generations = (
        was.objects.generation_of(old),
        is.objects.generation_of(new),
    );
    match generations {
        // The permanent one is left again, by `gc.unfreeze()`.
        (Some(before), Some(after)) => before < PERMANENT && after < before,
        _ => false,
    }
}

fn type_of(snapshot: &Snapshot, id: ObjectId) -> usize {
    snapshot.kind(id).type_id.index()
}

/// What two kept values say of which one is as new as the other is old.
pub(super) fn compare(old: Value<'_>, new: Value<'_>, is_scalar: bool) -> Contents {
    let is_whole = |form| matches!(form, ValueForm::Text | ValueForm::Bytes | ValueForm::Repr);
    let shorter = old.bytes.len().min(new.bytes.len());
    if old.bytes[..shorter] != new.bytes[..shorter] {
        return Contents::Differ;
    }
    match (is_whole(old.form), is_whole(new.form)) {
        (true, true) if old.bytes.len() != new.bytes.len() => Contents::Differ,
        // Beginnings that agree: long texts that differ behind them are rare.
        _ if is_scalar => Contents::Equal,
        _ => Contents::Unknown,
    }
}
