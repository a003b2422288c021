//! Frames up to 3.10: each is an object, which keeps its variables and its stack behind
//! itself. The other fields are in the tables.

use super::variables::{MAX_SLOTS, Variables};
use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use exuvia_cpython::PyFrameObject;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The variables and the evaluation stack of a `frame` object.
pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let f = &reader.layout.structs.py_frame_object;
    let (Some(code), Some(localsplus)) = (f.f_code, f.f_localsplus) else {
        return Ok(());
    };
    let code = reader.cache.pointer(object.offset(code))?;
    let Some(variables) = Variables::read(reader, code)? else {
        return Ok(());
    };
    let count = variables.names.len();
    let first = object.offset(localsplus);
    reader.pointers(first, count, |_, i, value| {
        if let Some(&name) = variables.names.get(i) {
            sink.own(value, variables.step(i, name));
        }
    })?;
    let stack = first.offset(8 * count as u64);
    match depth(reader, f, object)? {
        Depth::Entries(depth) if depth > variables.stacksize as u64 => {
            reader.diagnostics.count(Trouble::ImplausibleLength, object);
            Ok(())
        }
        Depth::Entries(depth) => reader.pointers(stack, depth as usize, |_, i, value| {
            sink.own(value, Step::Stack(i));
        }),
        // What lies above the top is stale, so that every entry is only a place that may
        // hold an object. It tells who holds what nothing else explains.
        Depth::Unknown => reader.pointers(stack, variables.stacksize, |reader, i, entry| {
            sink.refer_by_word(reader, entry, Step::Stack(i), Hold::Borrowed);
        }),
    }
}

/// How deep the evaluation stack of a frame is.
enum Depth {
    Entries(u64),
    /// While the frame runs, only the C code of the evaluation loop knows.
    Unknown,
}

fn depth<M: Memory>(
    reader: &mut Reader<'_, M>,
    f: &PyFrameObject,
    object: RemoteAddress,
) -> Result<Depth, Fault> {
    if let Some(field) = f.f_stackdepth {
        // 3.10
        let depth = i64::from(reader.cache.u32(object.offset(field))? as i32);
        return Ok(u64::try_from(depth).map_or(Depth::Unknown, Depth::Entries));
    }
    let (Some(top), Some(bottom)) = (f.f_stacktop, f.f_valuestack) else {
        return Ok(Depth::Unknown);
    };
    let top = reader.cache.u64(object.offset(top))?;
    let bottom = reader.cache.u64(object.offset(bottom))?;
    if top == 0 {
        return Ok(Depth::Unknown);
    }
    let depth = top.wrapping_sub(bottom) / 8;
    Ok(Depth::Entries(depth.min(MAX_SLOTS as u64 + 1)))
}
