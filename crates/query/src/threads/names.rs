use crate::Heap;
use exuvia_snapshot::{ObjectId, Thread};

/// The name that `threading` has for a thread.
///
/// `threading._active` knows the threads that run by their `ident`; numbers of threads that have
/// ended are given out again, so that other `Thread` objects may have the same one.
pub(super) fn of_thread(heap: &Heap, thread: &Thread) -> Option<String> {
    let object = object_of(heap, thread)?;
    heap.text_of(heap.attribute(object, "_name")?)
}

fn object_of(heap: &Heap, thread: &Thread) -> Option<ObjectId> {
    let module = heap.module(thread.interpreter, "threading")?;
    let active = heap.attribute(module, "_active")?;
    let ident = thread.ident.to_string();
    let mut entries = heap.items(active);
    let found = entries.find(|&(key, _)| heap.text_of(key).as_deref() == Some(&ident));
    found.map(|(_, value)| value)
}

/// Whether the number of a thread is the address of a greenlet: suspended ones have rows of
/// their own among the threads.
pub(super) fn is_greenlet(heap: &Heap, ident: u64) -> bool {
    let object = heap.snapshot().objects.at(ident);
    object.is_some_and(|object| heap.is_instance(object, "greenlet.greenlet"))
}
