//! Which class of a classifier each of some objects is in.

mod referrers;
mod sets;
pub(crate) mod simple;
mod threads;

use crate::{By, Classifier, Heap};
use exuvia_snapshot::ObjectId;
use rustc_hash::FxHashMap;
use std::hash::Hash;

/// The classes of some objects. Two classes may have the same name, as in heapy.
#[derive(Debug)]
pub(crate) struct Classes {
    /// The number of the class of each object, in the order of the objects.
    pub(crate) of: Vec<u32>,
    /// By number.
    pub(crate) names: Vec<String>,
}

impl Classes {
    /// Classifies live objects, which come in the order of their addresses.
    pub(crate) fn of(heap: &Heap, by: By, ids: &[ObjectId]) -> Self {
        match by.second {
            None => Self::by_one(heap, by.first, ids, false),
            Some(second) => Self::joined(
                &Self::by_one(heap, by.first, ids, true),
                &Self::by_one(heap, second, ids, true),
            ),
        }
    }

    fn by_one(heap: &Heap, by: Classifier, ids: &[ObjectId], joined: bool) -> Self {
        let mut classes = match by {
            Classifier::Kind => simple::by_kind(heap, ids),
            Classifier::Type => simple::by_type(heap, ids),
            Classifier::Size => simple::by_size(heap, ids, joined),
            Classifier::Module => simple::by_module(heap, ids),
            Classifier::Unity => simple::by_unity(ids),
            Classifier::Id => simple::by_id(heap, ids),
            Classifier::Owner => simple::by_owner(heap, ids),
            Classifier::Generation => simple::by_generation(heap, ids),
            Classifier::Interpreter => simple::by_interpreter(heap, ids),
            Classifier::Rcs => referrers::by_kinds(heap, ids),
            Classifier::Via => referrers::by_relations(heap, ids),
            Classifier::Thread => threads::by_thread(heap, ids),
        };
        if by.makes_sets() {
            for name in &mut classes.names {
                if joined {
                    *name = format!("{{{name}}}");
                } else if by == Classifier::Rcs && name.is_empty() {
                    "<Nothing>".clone_into(name);
                }
            }
        }
        classes
    }

    /// Classes of the pairs of classes that occur.
    fn joined(first: &Self, second: &Self) -> Self {
        let pairs = first.of.iter().copied().zip(second.of.iter().copied());
        Self::by_key(pairs, |(a, b)| {
            let name = |classes: &Self, class: u32| {
                let name = classes.names.get(class as usize);
                name.cloned().unwrap_or_default()
            };
            format!("{} & {}", name(first, a), name(second, b))
        })
    }

    /// A class for each different key, numbered as they come.
    fn by_key<K: Copy + Eq + Hash>(
        keys: impl Iterator<Item = K>,
        mut name: impl FnMut(K) -> String,
    ) -> Self {
        let mut classes = Self {
            of: Vec::with_capacity(keys.size_hint().0),
            names: Vec::new(),
        };
        let mut numbers: FxHashMap<K, u32> = FxHashMap::default();
        for key in keys {
            let number = *numbers.entry(key).or_insert_with(|| {
                classes.names.push(name(key));
                classes.names.len() as u32 - 1
            });
            classes.of.push(number);
        }
        classes
    }
}
