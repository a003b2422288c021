//! The state around the objects: runtime, interpreter, thread, and the collector's lists.

use std::ops::Range;

use exuvia_memory::RemoteAddress;

use crate::offset;
use crate::{Heap, Image};

/// `PREV_MASK_FINALIZED`: a flag in the link to the object before.
const FINALIZED: u64 = 1;

/// A process that can be read.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its memory.
    pub image: Image,
    /// The address of `_PyRuntime`.
    pub runtime: RemoteAddress,
    /// The part of memory that is the program's image.
    pub program: Range<u64>,
    /// The heads of the collector's lists: three generations and the permanent one.
    pub generations: [RemoteAddress; 4],
    /// Every object in those lists.
    pub tracked: Vec<RemoteAddress>,
    /// The dictionary of the module `builtins`.
    pub builtins: RemoteAddress,
}

pub(crate) fn finish(mut heap: Heap, globals: &[(RemoteAddress, RemoteAddress)]) -> Process {
    let (runtime, interpreter, thread) = (heap.runtime, heap.interpreter, heap.thread);
    let abi = heap.abi;
    heap.put_pointer(runtime, abi.runtime.interpreters_head, interpreter);
    heap.put_pointer(interpreter, abi.interpreter.next, RemoteAddress::NULL);
    heap.put_u64(interpreter, abi.interpreter.id, 0);
    if let Some(at) = abi.interpreter.runtime {
        heap.put_pointer(interpreter, at, runtime);
    }
    heap.put_pointer(interpreter, abi.interpreter.threads_head, thread);
    heap.put_pointer(thread, abi.thread.next, RemoteAddress::NULL);
    heap.put_pointer(thread, abi.thread.interp, interpreter);
    heap.put_u64(thread, abi.thread.thread_id, 140_001);
    if let Some(at) = abi.thread.native_thread_id {
        heap.put_u64(thread, at, 77);
    }
    put_innermost(&mut heap);

    let builtins = heap.dict(globals);
    let sysdict = sysdict(&mut heap);
    let modules = modules(&mut heap);
    heap.put_pointer(interpreter, abi.interpreter.builtins, builtins);
    heap.put_pointer(interpreter, abi.interpreter.sysdict, sysdict);
    heap.put_pointer(interpreter, abi.interpreter.modules, modules);
    let generations = link(&mut heap);
    Process {
        program: heap.program(),
        tracked: heap.tracked,
        image: heap.image,
        runtime,
        generations,
        builtins,
    }
}

/// `sys.__dict__`, with the version.
fn sysdict(heap: &mut Heap) -> RemoteAddress {
    let (name, version) = (heap.text("hexversion"), heap.python.hexversion());
    let version = heap.int(version.into());
    heap.dict(&[(name, version)])
}

/// `sys.modules`, with a module `types` that has all built-in types.
fn modules(heap: &mut Heap) -> RemoteAddress {
    let built_in: Vec<_> = heap.types.iter().map(|(&name, &at)| (name, at)).collect();
    let entries: Vec<_> = built_in
        .into_iter()
        .map(|(name, address)| (heap.text(name), address))
        .collect();
    let types = heap.dict(&entries);
    let name = heap.text("types");
    heap.dict(&[(name, types)])
}

fn put_innermost(heap: &mut Heap) {
    let (at, in_cframe) = heap.abi.thread.current_frame;
    let innermost = heap.innermost;
    match in_cframe {
        None => heap.put_pointer(heap.thread, at, innermost),
        Some(current_frame) => {
            let cframe = heap.allocate(24);
            heap.put_pointer(cframe, current_frame, innermost);
            heap.put_pointer(heap.thread, at, cframe);
        }
    }
}

/// Links the tracked objects, in turn into one of the four lists.
fn link(heap: &mut Heap) -> [RemoteAddress; 4] {
    let state = match (heap.abi.interpreter.gc, heap.abi.runtime.gc) {
        (Some(at), _) => heap.interpreter.offset(at),
        (None, shared) => heap.runtime.offset(shared.unwrap_or_default()),
    };
    let gc = &heap.abi.gc;
    let generation = |i: u64| state.offset(gc.generations + 24 * i);
    let heads = [
        generation(0),
        generation(1),
        generation(2),
        state.offset(gc.permanent),
    ];
    heap.put_pointer(state, gc.generation0, heads[0]);
    let tracked = heap.tracked.clone();
    for (turn, &head) in heads.iter().enumerate() {
        let mut last = head;
        for object in tracked.iter().skip(turn).step_by(heads.len()) {
            let at = object.before(offset::GC_HEAD);
            heap.put_pointer(last, 0, at);
            heap.put_u64(at, offset::GC_PREV, last.get() | FINALIZED);
            last = at;
        }
        heap.put_pointer(last, 0, head);
        heap.put_u64(head, offset::GC_PREV, last.get());
    }
    heads
}
