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
    let g = &reader.layout.structs.py_gen_object;
    let constants = &reader.layout.constants;
    let state = i64::from(reader.cache.u8(object.offset(g.gi_frame_state))? as i8);
    let iframe = object.offset(g.gi_iframe);
    if state >= constants.frame_cleared {
        // From 3.12 the frame, though it is done, still owns its code. Before, the generator
        // has a field for it.
        if g.gi_code.is_none() {
            let executable = reader.layout.structs.py_interpreter_frame.f_executable;
            let code = slots::read(reader, iframe.offset(executable))?;
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
    let frame_obj = reader.layout.structs.py_interpreter_frame.frame_obj;
    let frame_obj = reader.cache.pointer(iframe.offset(frame_obj))?;
    sink.own(frame_obj, Step::Attribute(reader.names.gi_frame));
    Ok(())
}

/// Whether the generator that keeps this frame inside itself is running.
pub(super) fn is_running<M: Memory>(
    reader: &mut Reader<'_, M>,
    iframe: RemoteAddress,
) -> Result<bool, Fault> {
    let g = &reader.layout.structs.py_gen_object;
    let executing = reader.layout.constants.frame_executing;
    let state = iframe.before(g.gi_iframe).offset(g.gi_frame_state);
    Ok(i64::from(reader.cache.u8(state)? as i8) == executing)
}
