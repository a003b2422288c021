use exuvia_snapshot::{ObjectFlags, ObjectId, Relation, RootCategory, Snapshot};

/// What the dictionary of interned strings is called.
pub(super) const INTERNED: &str = "interned strings";

/// More references than this has the dictionary of interned strings of any interpreter.
const INTERNED_LEAST: usize = 1000;

/// For each object, how many counted references lead to it.
pub(super) struct Found {
    owned: Vec<u32>,
    /// References that may count or not: entries of the evaluation stacks of running frames,
    /// of which only the code of the evaluation loop knows how deep they are, and static
    /// variables of C code, which may be stale. Up to 3.10 also the keys of a table that the
    /// dictionaries of instances share: it owns them, and their class may have taken another
    /// one, so that no object is left whose own it is.
    possible: Vec<u32>,
}

impl Found {
    /// `minor` is the version of Python 3.
    pub(super) fn of(snapshot: &Snapshot, minor: u32) -> Self {
        let is_possible = |relation| match relation {
            Relation::Stack(_) => true,
            Relation::Key(_) => minor <= 10,
            _ => false,
        };
        let objects = &snapshot.objects;
        let is_static = |id: ObjectId| objects.flags[id.index()].contains(ObjectFlags::STATIC);
        let mut possible = vec![0; objects.len()];
        // The count of an object that the linker made begins with 1.
        let mut owned: Vec<u32> = objects.ids().map(|id| u32::from(is_static(id))).collect();
        for source in objects.ids() {
            if is_interned(snapshot, source) {
                continue;
            }
            // From 3.11 on a frame borrows its globals; those of one that outlived its call are
            // shown as its own besides, because heapy does.
            let borrows_globals = snapshot.type_of(source).tp_name == "frame"
                && snapshot.references.of(source).any(|reference| {
                    reference.weak && is_named(snapshot, reference.relation, "f_globals")
                });
            for reference in snapshot.references.of(source) {
                let target = reference.target;
                // Pointers from static data to static data are set by the linker too.
                let is_linked = is_static(source) && is_static(target);
                let is_globals =
                    borrows_globals && is_named(snapshot, reference.relation, "f_globals");
                if reference.weak {
                    possible[target.index()] += u32::from(is_possible(reference.relation));
                } else if !is_linked && !is_globals {
                    owned[target.index()] += 1;
                }
            }
        }
        for root in &snapshot.roots {
            if root.owned {
                owned[root.target.index()] += 1;
            } else if root.category == RootCategory::Variable {
                possible[root.target.index()] += 1;
            }
        }
        Self { owned, possible }
    }

    pub(super) fn owned(&self, id: ObjectId) -> u32 {
        self.owned[id.index()]
    }

    /// Whether what was found makes up this count.
    pub(super) fn explains(&self, id: ObjectId, count: u32) -> bool {
        let owned = self.owned(id);
        (owned..=owned + self.possible[id.index()]).contains(&count)
    }
}

/// Whether it is the dictionary of interned strings, which does not keep them alive and which
/// the collector tracks from 3.14 on: its keys are its values.
pub(super) fn is_interned(snapshot: &Snapshot, id: ObjectId) -> bool {
    let mut references = snapshot.references.of(id);
    snapshot.type_of(id).tp_name == "dict"
        && references.len() > INTERNED_LEAST
        && references.all(|reference| match reference.relation {
            Relation::Value(key) => reference.target == key,
            relation => matches!(relation, Relation::Key(_)),
        })
}

fn is_named(snapshot: &Snapshot, relation: Relation, name: &str) -> bool {
    matches!(relation, Relation::Attribute(id) if snapshot.names[id.index()] == name)
}
