use crate::{Heap, python_text::harmless};
use exuvia_snapshot::{ObjectId, RootCategory};

/// Where paths begin: the attributes of heapy's `Root`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    /// `i0_modules`, `native_Session`.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) target: ObjectId,
}

/// The origins in groups, each with how many steps it lies farther from the root than the
/// first. Of the groups from which a path leads to the wanted objects, the one whose paths
/// are shortest with these steps is where they begin; the earlier one, when two are equal.
///
/// A frame belongs to a thread of an interpreter. Counting that keeps the frames that happen
/// to run a module from standing before the module itself, which holds the same objects for
/// longer. Static objects are there without anybody holding them, and of what native code
/// holds nothing is known but that it does: neither tells a person much, so these two serve
/// only when no other group does.
pub(crate) const GROUPS: [(Group, usize); 4] = [
    (Group::Interpreters, 0),
    (Group::Threads, 2),
    (Group::Static, LAST_RESORT),
    (Group::Native, 2 * LAST_RESORT),
];

/// More steps than any path has.
const LAST_RESORT: usize = 1 << 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// What interpreters hold: modules and the rest of their state.
    Interpreters,
    /// What threads hold: frames and the rest of their state.
    Threads,
    /// Static types and objects.
    Static,
    /// Objects that native code holds and no root reaches.
    Native,
}

impl Group {
    /// The origins of the group, sorted by name.
    pub(crate) fn origins(self, heap: &Heap) -> Vec<Origin> {
        let mut origins = match self {
            Self::Interpreters => roots(heap, RootCategory::Interpreter),
            Self::Threads => roots(heap, RootCategory::Thread),
            Self::Static => roots(heap, RootCategory::Static),
            Self::Native => native(heap),
        };
        origins.sort();
        origins
    }
}

fn roots(heap: &Heap, wanted: RootCategory) -> Vec<Origin> {
    let roots = heap
        .snapshot()
        .roots
        .iter()
        .filter(|root| root.category == wanted);
    roots
        .map(|root| Origin {
            name: harmless(&root.name).into_owned(),
            target: root.target,
        })
        .collect()
}

fn native(heap: &Heap) -> Vec<Origin> {
    let holders = heap.liveness().holders.iter();
    holders
        .map(|&target| Origin {
            name: format!("native_{}", harmless(&heap.snapshot().type_of(target).name)),
            target,
        })
        .collect()
}
