//! Which of the words that lead to objects own them.
//!
//! A word of an object that no table describes is taken for a reference when it leads to an
//! object. Whether it owns that object, the object's reference count tells: only while that is
//! larger than the references that are certain, there is one for the word. Otherwise it is
//! a pointer to what others keep alive, or an accident.

use exuvia_snapshot::{ObjectFlags, ObjectId, Objects, References, Relation, Root};
use rustc_hash::FxHashMap;

/// Makes those words weak references that can't own what they lead to.
pub(crate) fn settle(references: &mut References, objects: &Objects, roots: &[Root]) {
    let words = words(references);
    if words.is_empty() {
        return;
    }
    let mut rest = counts(&words, objects);
    let mut is_wanted = vec![0u64; objects.len().div_ceil(64)];
    for target in rest.keys() {
        is_wanted[target.index() / 64] |= 1 << (target.index() % 64);
    }
    let mut take = |target: ObjectId| {
        if is_wanted[target.index() / 64] >> (target.index() % 64) & 1 != 0
            && let Some(count) = rest.get_mut(&target)
        {
            *count = count.saturating_sub(1);
        }
    };
    let mut next_word = words.iter().map(|&(place, _)| place).peekable();
    for (place, &target) in references.targets().iter().enumerate() {
        let is_word = next_word.next_if_eq(&place).is_some();
        if !is_word && !references.is_weak(place) {
            take(target);
        }
    }
    for root in roots.iter().filter(|root| root.owned) {
        take(root.target);
    }
    for (place, target) in words {
        match rest.get_mut(&target) {
            Some(0) | None => references.set_weak(place),
            Some(count) => *count = count.saturating_sub(1),
        }
    }
}

/// The strong references that are words, by their place, and what they lead to.
fn words(references: &References) -> Vec<(usize, ObjectId)> {
    let is_word = |place: usize| {
        !references.is_weak(place) && matches!(references.get(place).relation, Relation::Word(_))
    };
    let places = (0..references.len()).filter(|&place| is_word(place));
    places
        .map(|place| (place, references.targets()[place]))
        .collect()
}

/// The reference counts of what words lead to. An immortal object has none that would tell.
fn counts(words: &[(usize, ObjectId)], objects: &Objects) -> FxHashMap<ObjectId, u64> {
    let count = |id: ObjectId| {
        let count = objects.refcount[id.index()];
        let is_immortal = objects.flags[id.index()].contains(ObjectFlags::IMMORTAL);
        match is_immortal || count == u32::MAX {
            true => u64::MAX,
            false => u64::from(count),
        }
    };
    words
        .iter()
        .map(|&(_, target)| (target, count(target)))
        .collect()
}
