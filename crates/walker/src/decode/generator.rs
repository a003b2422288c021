//! Generators, coroutines and asynchronous generators: each keeps its frame inside itself.

use super::frame::{self, Seen};
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use crate::slots;
use exuvia_memory::{Fault, Memory, RemoteAddress};

pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = &reader.layout.structs;
    let g = &structs.py_gen_object;
    let constants = &reader.layout.constants;
    let (Some(f), Some(state), Some(iframe)) =
        (&structs.py_interpreter_frame, g.gi_frame_state, g.gi_iframe)
    else {
        // Up to 3.10 the frame is an object, which is a field like others.
        return Ok(());
    };
    let state = Some(i64::from(reader.cache.u8(object.offset(state))? as i8));
    let iframe = object.offset(iframe);
    if state >= constants.frame_cleared {
        // From 3.12 the frame, though it is done, still owns its code. Before, the generator
        // has a field for it.
        if g.gi_code.is_none() {
            let code = slots::read(reader, iframe.offset(f.f_executable))?;
            let step = Step::Attribute(reader.names.gi_code);
            sink.refer(code.target, step, code.hold);
        }
        return Ok(());
    }
    if state != constants.frame_executing {
        return frame::contents(reader, iframe, Seen::Generator, Hold::Owned, sink);
    }
    // While it runs, the thread's frame holds what it needs; the frame object, if there is
    // one, is still its own.
    let frame_obj = reader.cache.pointer(iframe.offset(f.frame_obj))?;
    sink.own(frame_obj, Step::Attribute(reader.names.gi_frame));
    Ok(())
}

/// Whether the generator that keeps this frame inside itself is running.
pub(super) fn is_running<M: Memory>(
    reader: &mut Reader<'_, M>,
    iframe: RemoteAddress,
) -> Result<bool, Fault> {
    let g = &reader.layout.structs.py_gen_object;
    let (Some(state), Some(at)) = (g.gi_frame_state, g.gi_iframe) else {
        return Ok(false);
    };
    let state = reader.cache.u8(iframe.before(at).offset(state))?;
    Ok(Some(i64::from(state as i8)) == reader.layout.constants.frame_executing)
}
