use crate::{
    Heap, ROOT, liveness::static_objects, python_text::harmless, relation_text::RelationText,
};
use exuvia_graph::BitSet;
use exuvia_snapshot::{ObjectFlags, ObjectId, Relation, RootCategory};
use std::collections::HashMap;

/// Where paths begin: the attributes of heapy's `Root`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    /// `i0_modules`, `native_Session`.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) target: ObjectId,
    /// Whether it is a root, and no object at which somebody wants paths to begin.
    pub(crate) is_root: bool,
}

impl Origin {
    /// What a path that begins here starts with.
    pub(crate) fn text(&self) -> String {
        match self.is_root {
            true => format!("{ROOT}.{}", self.name),
            false => self.name.clone(),
        }
    }
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
            Self::Static => {
                let mut origins = roots(heap, RootCategory::Static);
                origins.extend(named_by_type(
                    heap,
                    "static",
                    static_objects(heap.snapshot()),
                ));
                origins
            }
            Self::Native => {
                let holders = heap.liveness().holders.iter().copied();
                let mut origins: Vec<Origin> = named_by_type(heap, "native", holders).collect();
                name_by_variable(heap, &mut origins);
                name_by_stack(heap, &mut origins);
                origins
            }
        };
        origins.sort();
        origins
    }
}

/// Who but objects holds members of a set: roots of interpreters and threads, and native
/// code. A frame without a frame object is no object that a table shows, so that what it
/// refers to is told here as well, with the variable.
pub(crate) fn holding(heap: &Heap, set: &BitSet) -> Vec<Origin> {
    let groups = [Group::Interpreters, Group::Threads, Group::Native];
    let mut holding = Vec::new();
    for origin in groups.into_iter().flat_map(|group| group.origins(heap)) {
        let flags = heap.snapshot().objects.flags[origin.target.index()];
        if flags.contains(ObjectFlags::SYNTHETIC) {
            let references = heap.snapshot().references.of(origin.target);
            let held = references.filter(|one| !one.weak && set.contains(one.target));
            holding.extend(held.map(|one| Origin {
                name: format!(
                    "{}{}",
                    origin.name,
                    RelationText::of(heap, origin.target, one.relation)
                ),
                target: one.target,
                is_root: true,
            }));
        }
        if set.contains(origin.target) {
            holding.push(origin);
        }
    }
    holding
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
            is_root: true,
        })
        .collect()
}

fn named_by_type<'a>(
    heap: &'a Heap,
    prefix: &'a str,
    objects: impl Iterator<Item = ObjectId> + 'a,
) -> impl Iterator<Item = Origin> + 'a {
    objects.map(move |target| Origin {
        name: format!(
            "{prefix}_{}[{:#x}]",
            harmless(&heap.snapshot().type_of(target).name),
            heap.snapshot().objects.address[target.index()]
        ),
        target,
        is_root: true,
    })
}

/// Names the static variable of C code that leads to a holder.
fn name_by_variable(heap: &Heap, origins: &mut [Origin]) {
    let variables = roots(heap, RootCategory::Variable);
    let names: HashMap<ObjectId, String> = variables
        .into_iter()
        .map(|root| (root.target, root.name))
        .collect();
    for origin in origins {
        if let Some(name) = names.get(&origin.target) {
            origin.name.clone_from(name);
        }
    }
}

/// Names the frame on whose evaluation stack a holder lies. How far the stack of a running
/// frame reaches is not known, so that its entries hold nothing by themselves; but of an
/// object that something holds and nothing else explains, they tell what does.
fn name_by_stack(heap: &Heap, origins: &mut [Origin]) {
    let snapshot = heap.snapshot();
    let frames = snapshot
        .roots
        .iter()
        .filter(|root| root.category == RootCategory::Thread);
    for frame in frames {
        for reference in snapshot.references.of(frame.target) {
            let Relation::Stack(place) = reference.relation else {
                continue;
            };
            let origin = origins
                .iter_mut()
                .find(|origin| reference.weak && origin.target == reference.target);
            if let Some(origin) = origin {
                origin.name = format!("{}->f_valuestack[{place}]", harmless(&frame.name));
            }
        }
    }
}
