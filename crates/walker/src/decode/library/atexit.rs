//! `atexit`: up to 3.9 the state of the module has the array of callbacks.

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The most callbacks that are believed.
const MAX_CALLBACKS: u64 = 1 << 16;

/// The callbacks in the state of the module; false where the interpreter keeps them.
pub(in crate::decode) fn callbacks<M: Memory>(
    reader: &mut Reader<'_, M>,
    state: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<bool, Fault> {
    let structs = &reader.layout.structs;
    let (Some(module), Some(callback)) = (&structs.atexit_module_state, &structs.atexit_callback)
    else {
        return Ok(false);
    };
    let array = reader
        .cache
        .pointer(state.offset(module.atexit_callbacks))?;
    let count = u64::from(reader.cache.u32(state.offset(module.ncallbacks))?);
    let count = count.min(MAX_CALLBACKS);
    reader.spend(array, count)?;
    let fields = [Some(callback.func), callback.args, callback.kwargs];
    for n in 0..count {
        // What was unregistered leaves a null pointer.
        let at = reader.cache.pointer(array.offset(n * 8))?;
        for field in fields.into_iter().flatten() {
            if !at.is_null() {
                let target = reader.cache.pointer(at.offset(field))?;
                sink.own(target, Step::Numbered(n as usize));
            }
        }
    }
    Ok(true)
}
