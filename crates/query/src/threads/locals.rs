use crate::{Heap, limits::Limits, python_text::harmless, repr::Repr};
use exuvia_snapshot::{ObjectId, Reference, Relation};
use serde::Serialize;

/// A variable of a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Local {
    /// Its name.
    pub name: String,
    /// Where its value lies.
    pub address: u64,
    /// The kind of its value.
    pub kind: String,
    /// The value as `repr` would print it, shortened.
    pub value: String,
    /// Bytes of the value, as `sys.getsizeof` counts them.
    pub size: u64,
    /// The bytes that would be freed if its value went.
    pub retained: u64,
}

/// The variables of a frame, in the order of its code: arguments come first.
pub(super) fn of_frame(heap: &Heap, frame: ObjectId) -> Vec<Local> {
    heap.snapshot()
        .references
        .of(frame)
        .filter_map(|reference| local(heap, reference))
        .collect()
}

/// Those of the frame of a generator or coroutine that waits.
pub(super) fn of_generator(heap: &Heap, generator: ObjectId) -> Vec<Local> {
    let own = of_frame(heap, generator);
    if !own.is_empty() {
        return own;
    }
    // Up to 3.10 the frame is an object.
    match frame_of(heap, generator) {
        Some(frame) => of_frame(heap, frame),
        None => own,
    }
}

/// The frame object of a generator or coroutine.
pub(super) fn frame_of(heap: &Heap, generator: ObjectId) -> Option<ObjectId> {
    let mut names = ["gi_frame", "cr_frame", "ag_frame"].iter();
    names.find_map(|name| heap.attribute(generator, name))
}

fn local(heap: &Heap, reference: Reference) -> Option<Local> {
    let (Relation::Local(name) | Relation::Cell(name) | Relation::SuspendedLocal(name)) =
        reference.relation
    else {
        return None;
    };
    let snapshot = heap.snapshot();
    let is_cell = snapshot.type_of(reference.target).name == "cell";
    let value = if is_cell {
        // A cell that nothing was put into yet is a variable that does not exist yet.
        heap.attribute(reference.target, "cell_contents")?
    } else {
        reference.target
    };
    Some(Local {
        name: harmless(&heap.text_of(name).unwrap_or_default()).into_owned(),
        address: snapshot.objects.address[value.index()],
        kind: snapshot.kind(value).name.clone(),
        value: Repr::new(heap, Limits::REPRLIB).of(value),
        size: snapshot.objects.size[value.index()],
        retained: heap.dominators().retained(value),
    })
}
