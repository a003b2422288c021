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

/// The origins in groups: a path begins in a later group only when no path begins in an
/// earlier one. Static objects are there without anybody holding them, and of what native
/// code holds nothing is known but that it does: neither tells a person much.
pub(crate) const GROUPS: [Group; 3] = [Group::Roots, Group::Static, Group::Native];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// What interpreters and threads hold.
    Roots,
    /// Static types and objects.
    Static,
    /// Objects that native code holds and no root reaches.
    Native,
}

impl Group {
    /// The origins of the group, sorted by name.
    pub(crate) fn origins(self, heap: &Heap) -> Vec<Origin> {
        let mut origins = match self {
            Self::Roots => roots(heap, |category| category != RootCategory::Static),
            Self::Static => roots(heap, |category| category == RootCategory::Static),
            Self::Native => native(heap),
        };
        origins.sort();
        origins
    }
}

fn roots(heap: &Heap, wanted: impl Fn(RootCategory) -> bool) -> Vec<Origin> {
    let roots = heap
        .snapshot()
        .roots
        .iter()
        .filter(|root| wanted(root.category));
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
