use exuvia_graph::{BitSet, Follow, extend, incoming, reachable};
use exuvia_snapshot::{ObjectFlags, ObjectId, RootCategory, Snapshot};

/// Which objects are alive, and why.
#[derive(Debug)]
pub(crate) struct Liveness {
    /// Reached over strong references from the roots, or from static objects, which are there
    /// without anybody holding them.
    pub(crate) rooted: BitSet,
    /// Those, and what native code keeps alive.
    pub(crate) alive: BitSet,
    /// Objects that native code holds and no root reaches, by address.
    pub(crate) holders: Vec<ObjectId>,
}

impl Liveness {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let references = &snapshot.references;
        let rooted = reachable(references, held(snapshot), Follow::Strong);
        let holders = native_holders(snapshot, &rooted);
        let mut alive = rooted.clone();
        extend(
            &mut alive,
            references,
            holders.iter().copied(),
            Follow::Strong,
        );
        Self {
            rooted,
            alive,
            holders,
        }
    }

    /// What is alive by itself: what roots hold, static objects, and what native code holds.
    pub(crate) fn seeds(&self, snapshot: &Snapshot) -> BitSet {
        let mut seeds = BitSet::new(snapshot.objects.len());
        seeds.extend(held(snapshot));
        seeds.extend(self.holders.iter().copied());
        seeds
    }
}

/// What roots hold, and static objects.
fn held(snapshot: &Snapshot) -> impl Iterator<Item = ObjectId> + '_ {
    let roots = snapshot
        .roots
        .iter()
        .filter(|root| root.category != RootCategory::Variable);
    roots
        .map(|root| root.target)
        .chain(static_objects(snapshot))
}

/// The objects that lie in the images of the program and its libraries.
pub(crate) fn static_objects(snapshot: &Snapshot) -> impl Iterator<Item = ObjectId> + '_ {
    let flags = (0..).map(ObjectId).zip(&snapshot.objects.flags);
    flags.filter_map(|(id, flags)| flags.contains(ObjectFlags::STATIC).then_some(id))
}

/// Objects that no root reaches although something holds them: their reference count is
/// larger than the references to them that were found.
///
/// Only unreached objects refer strongly to unreached ones, and no root does, so that theirs
/// are all the references there are to count. An immortal object has no count to compare,
/// and is never garbage.
fn native_holders(snapshot: &Snapshot, rooted: &BitSet) -> Vec<ObjectId> {
    let unreached = || snapshot.objects.ids().filter(|&id| !rooted.contains(id));
    if unreached().next().is_none() {
        return Vec::new();
    }
    let found = incoming(&snapshot.references, unreached(), Follow::Strong);
    unreached()
        .filter(|id| {
            let flags = snapshot.objects.flags[id.index()];
            !flags.contains(ObjectFlags::SYNTHETIC)
                && (flags.contains(ObjectFlags::IMMORTAL)
                    || snapshot.objects.refcount[id.index()] > found[id.index()])
        })
        .collect()
}
