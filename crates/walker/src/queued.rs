//! Objects of free-threaded builds that wait in a queue of their own thread until it has added
//! up their two reference counts, because another thread has dropped its last reference. The
//! queue owns one reference to each.

use crate::diagnostics::Trouble;
use crate::reader::Reader;
use exuvia_memory::{Memory, RemoteAddress};

/// The objects that wait for the thread whose state lies at an address, in both of its
/// queues: the one that others put them into, and its own.
pub(crate) fn objects<M: Memory>(
    reader: &mut Reader<'_, M>,
    thread: RemoteAddress,
) -> Vec<RemoteAddress> {
    let structs = &reader.layout.structs;
    let queues = structs.py_thread_state_impl.as_ref();
    let queues = queues.map(|t| [t.brc_objects_to_merge, t.brc_local_objects_to_merge]);
    let mut found = Vec::new();
    for head in queues.into_iter().flatten().flatten() {
        stack(reader, thread.offset(head), &mut found);
    }
    found
}

/// Follows a `_PyObjectStack`: a list of chunks, each with a number of objects.
fn stack<M: Memory>(
    reader: &mut Reader<'_, M>,
    head: RemoteAddress,
    found: &mut Vec<RemoteAddress>,
) {
    let Some(chunk) = &reader.layout.structs.object_stack_chunk else {
        return;
    };
    let mut link = head;
    loop {
        let at = match reader.cache.pointer(link) {
            Ok(at) if at.is_null() => return,
            Ok(at) => at,
            Err(_) => break,
        };
        let Ok(count) = reader.cache.u64(at.offset(chunk.n)) else {
            break;
        };
        // A chain that goes round spends what may be read of chains.
        if count > chunk.objs_length || reader.spend(at, chunk.size / 8).is_err() {
            break;
        }
        let first = at.offset(chunk.objs);
        let read = reader.pointers(first, count as usize, |_, _, object| found.push(object));
        if read.is_err() {
            break;
        }
        link = at.offset(chunk.prev);
    }
    reader.diagnostics.count(Trouble::BrokenChain, link);
}
