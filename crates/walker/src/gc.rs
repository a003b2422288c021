//! The lists of the garbage collector.

use crate::diagnostics::Trouble;
use crate::marks::{Marked, Marks};
use crate::reader::Reader;
use crate::runtime::MAX_INTERPRETERS;
use exuvia_cpython::Layout;
use exuvia_memory::{Memory, RemoteAddress};

/// `_PyGC_PREV_MASK` and `NEXT_MASK`: the low bits of the links carry flags.
const FLAGS: u64 = 3;

/// Marks every object in the lists of an interpreter. `tick` is told how many have been
/// found now and then, and says whether to go on.
pub(crate) fn mark_tracked<M: Memory>(
    reader: &mut Reader<'_, M>,
    interpreter: RemoteAddress,
    marks: &Marks,
    mut tick: impl FnMut(u64) -> bool,
) {
    for head in heads(reader, interpreter) {
        if !mark_list(reader, head, marks, &mut tick) {
            return;
        }
    }
}

/// Whether the interpreters are at a moment at which their heaps can be read: no garbage
/// collection is running, which unlinks objects from the lists.
///
/// The target stands still for this, so it reads a few words and nothing around them. What
/// can't be read counts as safe: the walk will say what is wrong.
pub fn is_safe_moment<M: Memory>(memory: &M, layout: &Layout, runtime: RemoteAddress) -> bool {
    let next = layout.structs.py_interpreter_state.next;
    let mut link = runtime.offset(layout.structs.py_runtime_state.interpreters_head);
    for _ in 0..MAX_INTERPRETERS {
        let mut word = [0; 8];
        if memory.read_exact(link, &mut word).is_err() {
            return true;
        }
        let interpreter = RemoteAddress::new(u64::from_le_bytes(word));
        if interpreter.is_null() {
            return true;
        }
        if is_collecting(memory, layout, interpreter) {
            return false;
        }
        link = interpreter.offset(next);
    }
    true
}

/// Whether the collector of an interpreter is at work: its lists are partly unlinked.
pub(crate) fn is_collecting<M: Memory>(
    memory: &M,
    layout: &Layout,
    interpreter: RemoteAddress,
) -> bool {
    let structs = &layout.structs;
    let collecting = structs.py_interpreter_state.gc + structs.gc_runtime_state.collecting;
    let mut word = [0; 4];
    let read = memory.read_exact(interpreter.offset(collecting), &mut word);
    read.is_ok() && u32::from_le_bytes(word) != 0
}

/// The heads of the generations and of the permanent one.
fn heads<M: Memory>(reader: &mut Reader<'_, M>, interpreter: RemoteAddress) -> Vec<RemoteAddress> {
    let structs = &reader.layout.structs;
    let g = &structs.gc_runtime_state;
    let state = interpreter.offset(structs.py_interpreter_state.gc);
    let mut heads: Vec<_> = (0..g.generations_length)
        .map(|i| state.offset(g.generations + i * structs.gc_generation.size))
        .collect();
    heads.push(state.offset(g.permanent_generation));
    heads
}

/// Marks the objects of one list; returns whether to go on with the next.
fn mark_list<M: Memory>(
    reader: &mut Reader<'_, M>,
    head: RemoteAddress,
    marks: &Marks,
    tick: &mut impl FnMut(u64) -> bool,
) -> bool {
    let gc_head = &reader.layout.structs.py_gc_head;
    let (next, size) = (gc_head._gc_next, gc_head.size);
    let mut at = head;
    let mut found = 0;
    loop {
        let Ok(link) = reader.cache.u64(at.offset(next)) else {
            reader.diagnostics.count(Trouble::BrokenCollectorList, at);
            break;
        };
        at = RemoteAddress::new(link & !FLAGS);
        if at == head {
            break;
        }
        // An object that is met twice means that the list goes round without its head.
        if marks.mark_tracked(at.offset(size)) != Marked::Now {
            reader.diagnostics.count(Trouble::BrokenCollectorList, at);
            break;
        }
        found += 1;
        if found % 8192 == 0 && !tick(8192) {
            return false;
        }
    }
    tick(found % 8192)
}
