//! The slots of frames: variables, stack entries, and the code and function that run. They
//! are pointers, with tags in some builds.

use crate::reader::Reader;
use crate::sink::Hold;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// What a slot refers to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    /// The object, or null.
    pub(crate) target: RemoteAddress,
    /// Whether the slot keeps it alive.
    pub(crate) hold: Hold,
}

/// Reads the slot at an address.
pub(crate) fn read<M: Memory>(
    reader: &mut Reader<'_, M>,
    at: RemoteAddress,
) -> Result<Slot, Fault> {
    let word = reader.cache.pointer(at)?;
    Ok(of(reader, word))
}

/// Takes the word of a slot apart.
pub(crate) fn of<M: Memory>(reader: &mut Reader<'_, M>, word: RemoteAddress) -> Slot {
    let shape = reader.layout.shapes.stack_ref;
    let target = RemoteAddress::new(shape.address(word.get()));
    // What is immortal is never counted, whoever holds it.
    let owned = target.is_null() || shape.is_counted(word.get()) || reader.is_immortal(target);
    let hold = if owned { Hold::Owned } else { Hold::Borrowed };
    Slot { target, hold }
}

/// The code object that a frame runs, or what stands in its place.
pub(crate) fn executable<M: Memory>(
    reader: &mut Reader<'_, M>,
    frame: RemoteAddress,
) -> Result<RemoteAddress, Fault> {
    let Some(f) = &reader.layout.structs.py_interpreter_frame else {
        return Ok(RemoteAddress::NULL);
    };
    Ok(read(reader, frame.offset(f.f_executable))?.target)
}

/// How many slots a frame uses, counted from its first variable; `None` while it runs and
/// only the C code of the evaluation loop knows.
pub(crate) fn in_use<M: Memory>(
    reader: &mut Reader<'_, M>,
    frame: RemoteAddress,
) -> Result<Option<u64>, Fault> {
    let Some(f) = &reader.layout.structs.py_interpreter_frame else {
        return Ok(None);
    };
    let first = frame.offset(f.localsplus);
    if let Some(at) = f.stackpointer {
        // Stored at each call that can run other code, and null in between.
        let top = reader.cache.pointer(frame.offset(at))?;
        let bytes = top.get().checked_sub(first.get());
        return Ok(bytes.filter(|_| !top.is_null()).map(|bytes| bytes / 8));
    }
    let Some(at) = f.stacktop else {
        return Ok(None);
    };
    // -1 while it runs.
    let slots = reader.cache.u32(frame.offset(at))? as i32;
    Ok(u64::try_from(slots).ok())
}
