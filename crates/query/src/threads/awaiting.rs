use super::locals::frame_of;
use crate::{Heap, type_names::qualified};
use exuvia_snapshot::{ObjectId, Relation};

/// Objects that stand between a coroutine and what it waits for, each with the field that leads
/// on.
const WRAPPERS: [(&str, &str); 4] = [
    ("coroutine_wrapper", "cw_coroutine"),
    ("async_generator_asend", "ags_gen"),
    ("async_generator_athrow", "agt_gen"),
    ("_asyncio.FutureIter", "future"),
];

/// What has a frame of its own on the way.
const GENERATORS: [&str; 3] = ["coroutine", "generator", "async_generator"];

/// What an object waits for directly; nothing when it waits for nothing, or is itself what
/// others wait for: a future, a task.
///
/// A suspended coroutine always waits at an `await`, with the awaited object at the top of its
/// evaluation stack. A generator, asynchronous or not, may as well stand at a `yield` with
/// something else there, so that it must be a thing that can be waited for.
pub(super) fn awaited(heap: &Heap, object: ObjectId) -> Option<ObjectId> {
    let name = qualified(heap.snapshot().type_of(object));
    if let Some((_, field)) = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name) {
        return heap.attribute(object, field);
    }
    if !GENERATORS.contains(&name.as_str()) {
        return None;
    }
    heap.suspended_frame(object)?;
    let top = top_of_stack(heap, object)?;
    (name == "coroutine" || is_waitable(heap, top)).then_some(top)
}

fn is_waitable(heap: &Heap, object: ObjectId) -> bool {
    let name = qualified(heap.snapshot().type_of(object));
    let waits = WRAPPERS.iter().any(|(wrapper, _)| *wrapper == name)
        || ["coroutine", "generator"].contains(&name.as_str());
    waits
        || ["_asyncio.Future", "asyncio.futures.Future"]
            .iter()
            .any(|future| heap.is_instance(object, future))
}

/// The top of the evaluation stack of a suspended frame.
fn top_of_stack(heap: &Heap, generator: ObjectId) -> Option<ObjectId> {
    let place = |relation| match relation {
        Relation::SuspendedStack(place) | Relation::Stack(place) => Some(place),
        _ => None,
    };
    let top_in = |object| {
        let references = heap.snapshot().references.of(object);
        let entries = references.filter_map(|one| Some((place(one.relation)?, one.target)));
        let top = entries.max_by_key(|&(place, _)| place);
        top.map(|(_, target)| target)
    };
    // Up to 3.10 the frame is an object.
    top_in(generator).or_else(|| top_in(frame_of(heap, generator)?))
}
