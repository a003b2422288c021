use crate::{
    Heap, ObjectSet, PatternLine, neighbours,
    pattern_line::{Holder, Mark},
};
use exuvia_graph::BitSet;
use exuvia_snapshot::{KindId, KindShape, ObjectFlags, ObjectId};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How a [`Pattern`] is formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternOptions {
    /// How many steps from the set referrers are followed.
    pub depth: usize,
    /// Follow the immediate dominators of each set instead of all of its referrers.
    pub dominators: bool,
}

impl Default for PatternOptions {
    fn default() -> Self {
        Self {
            depth: Self::DEPTH,
            dominators: false,
        }
    }
}

impl PatternOptions {
    /// heapy's depth.
    pub const DEPTH: usize = 7;
}

/// heapy's reference pattern: the referrers of a set divided by kind, the referrers of each of
/// those sets divided by kind, and so on, depth first.
///
/// A line stands for a set of one kind. Each line is made when it is asked for, and the sets
/// that are still to be expanded are all that is kept.
#[derive(Debug)]
pub struct Pattern<'a> {
    heap: &'a Heap,
    options: PatternOptions,
    /// The line of each set that was seen, by its digest.
    seen: HashMap<Digest, usize>,
    /// The set that comes first, until it came.
    first: Option<Vec<ObjectId>>,
    /// Siblings at each depth of which lines are still to come.
    open: Vec<Siblings>,
    /// How many lines came.
    lines: usize,
}

/// The sets of referrers of one line.
#[derive(Debug)]
struct Siblings {
    sets: std::vec::IntoIter<Holder>,
    /// How many came.
    taken: usize,
}

/// Tells sets apart without keeping them, which would take the memory of many heaps: the
/// number of members and two hashes of 64 bits each.
type Digest = (usize, u64, u64);

impl Heap {
    /// heapy's reference pattern of some objects, line by line.
    pub fn pattern(&self, set: &ObjectSet, options: PatternOptions) -> Pattern<'_> {
        Pattern::of(self, set, options)
    }
}

impl<'a> Pattern<'a> {
    fn of(heap: &'a Heap, set: &ObjectSet, options: PatternOptions) -> Self {
        Self {
            heap,
            options,
            seen: HashMap::new(),
            first: Some(set.ids().to_vec()),
            open: Vec::new(),
            lines: 0,
        }
    }

    fn line(&mut self, place: Vec<usize>, holder: Holder) -> PatternLine<'a> {
        let depth = place.len();
        let referrers = self.referrers(&holder);
        let index = self.lines;
        self.lines += 1;
        let seen = match self.seen.entry(digest(&holder)) {
            std::collections::hash_map::Entry::Occupied(line) => Some(*line.get()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(index);
                None
            }
        };
        let mark = match seen {
            Some(line) => Mark::Seen(line),
            None if referrers.is_empty() => Mark::Root,
            None if depth > 0 && self.stops(&holder) => Mark::Stopped,
            None if depth < self.options.depth => Mark::Expanded,
            None => Mark::Limit,
        };
        if mark == Mark::Expanded {
            self.open.push(Siblings {
                sets: referrers.into_iter(),
                taken: 0,
            });
        }
        PatternLine::new(self.heap, index, place, mark, holder)
    }

    /// Who holds a set, divided by kind: the largest size first, then by name. The roots are
    /// the last one.
    fn referrers(&self, holder: &Holder) -> Vec<Holder> {
        let Holder::Objects(set) = holder else {
            return Vec::new();
        };
        let referrers = if self.options.dominators {
            neighbours::immediate_dominators(self.heap, set)
        } else {
            neighbours::referrers(self.heap, set, false)
        };
        let mut rows: Vec<Holder> = by_kind(self.heap, &referrers);
        let roots = neighbours::holding_roots(self.heap, set);
        if !roots.is_empty() {
            rows.push(Holder::Roots(roots));
        }
        rows
    }

    /// Whether heapy does not go on from such objects: modules, classes, code and frames hold
    /// so much that is about other things.
    fn stops(&self, holder: &Holder) -> bool {
        let Holder::Objects(set) = holder else {
            return false;
        };
        let snapshot = self.heap.snapshot();
        set.iter().all(|&object| {
            let kind = snapshot.kind(object);
            let type_id = match kind.shape {
                KindShape::Plain => kind.type_id,
                KindShape::DictOf(owner) => owner,
                KindShape::DictWithoutOwner => return false,
            };
            let stopping: &[&str] = match kind.shape {
                KindShape::Plain => &["module", "type", "code", "frame"],
                _ => &["module", "type"],
            };
            snapshot.types.get(type_id.index()).is_some_and(|one| {
                crate::type_names::is_builtin(one) && stopping.contains(&one.name.as_str())
            })
        })
    }
}

impl<'a> Iterator for Pattern<'a> {
    type Item = PatternLine<'a>;

    fn next(&mut self) -> Option<PatternLine<'a>> {
        if let Some(first) = self.first.take() {
            return Some(self.line(Vec::new(), Holder::Objects(first)));
        }
        loop {
            let siblings = self.open.last_mut()?;
            if let Some(holder) = siblings.sets.next() {
                siblings.taken += 1;
                let place = self.open.iter().map(|siblings| siblings.taken - 1);
                let place = place.collect();
                return Some(self.line(place, holder));
            }
            self.open.pop();
        }
    }
}

fn digest(holder: &Holder) -> Digest {
    let Holder::Objects(set) = holder else {
        // All roots together are one, as they are in heapy.
        return (0, 0, 0);
    };
    let hash = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        set.hash(&mut hasher);
        hasher.finish()
    };
    (set.len(), hash(0), hash(1))
}

fn by_kind(heap: &Heap, set: &BitSet) -> Vec<Holder> {
    let objects = &heap.snapshot().objects;
    let mut kinds: HashMap<KindId, (u64, Vec<ObjectId>)> = HashMap::new();
    for id in set.iter() {
        let row = kinds.entry(objects.kind[id.index()]).or_default();
        if !objects.flags[id.index()].contains(ObjectFlags::SYNTHETIC) {
            row.0 = row.0.saturating_add(objects.size[id.index()]);
        }
        row.1.push(id);
    }
    let mut rows: Vec<_> = kinds.into_iter().collect();
    let name = |kind: KindId| &heap.snapshot().kinds[kind.index()].name;
    rows.sort_by(|(a, (a_size, _)), (b, (b_size, _))| {
        let order = b_size.cmp(a_size).then_with(|| name(*a).cmp(name(*b)));
        order.then(a.cmp(b))
    });
    let rows = rows.into_iter().map(|(_, (_, set))| Holder::Objects(set));
    rows.collect()
}
