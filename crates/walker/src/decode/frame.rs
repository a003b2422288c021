//! Frames: `frame` objects, and the `_PyInterpreterFrame`s behind them, which most of the
//! time have no object.

use super::frame_object;
use super::variables::{MAX_SLOTS, Variables};
use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use crate::slots;
use exuvia_cpython::_PyInterpreterFrame as PyInterpreterFrame;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Where a frame's contents are seen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// From the frame itself.
    Frame,
    /// From the generator that keeps the frame inside itself.
    Generator,
}

/// The references of a `frame` object.
pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = &reader.layout.structs;
    let (Some(f), Some(f_frame)) = (
        &structs.py_interpreter_frame,
        structs.py_frame_object.f_frame,
    ) else {
        return frame_object::references(reader, object, sink);
    };
    let constants = &reader.layout.constants;
    let frame = reader.cache.pointer(object.offset(f_frame))?;
    if frame.is_null() {
        return Ok(());
    }
    let owner = Some(i64::from(reader.cache.u8(frame.offset(f.owner))?));
    if owner == constants.frame_owned_by_generator && !super::generator::is_running(reader, frame)?
    {
        // A suspended generator owns what its frame holds; the frame object only shows it.
        return contents(reader, frame, Seen::Frame, Hold::Borrowed, sink);
    }
    if owner == constants.frame_owned_by_frame_object {
        // The globals live as long as the function that the frame owns. They are shown as
        // the frame's own, as heapy does, for a frame that outlived its call.
        let globals = reader.cache.pointer(frame.offset(f.f_globals))?;
        sink.own(globals, Step::Attribute(reader.names.f_globals));
    }
    contents(reader, frame, Seen::Frame, Hold::Owned, sink)
}

/// The references of a frame that runs and has no object, from its `_PyInterpreterFrame`.
pub(crate) fn synthetic<M: Memory>(
    reader: &mut Reader<'_, M>,
    frame: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    contents(reader, frame, Seen::Frame, Hold::Owned, sink)
}

/// What a `_PyInterpreterFrame` holds.
pub(super) fn contents<M: Memory>(
    reader: &mut Reader<'_, M>,
    frame: RemoteAddress,
    seen: Seen,
    hold: Hold,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let Some(f) = &reader.layout.structs.py_interpreter_frame else {
        return Ok(());
    };
    let names = reader.names;
    let code = slots::executable(reader, frame)?;
    let code_step = match seen {
        Seen::Frame => Step::Attribute(names.f_code),
        Seen::Generator => Step::Attribute(names.gi_code),
    };
    let slots = [
        (f.f_executable, code_step),
        (f.f_funcobj, Step::Interior(names.f_func)),
    ];
    for (offset, step) in slots {
        let slot = slots::read(reader, frame.offset(offset))?;
        sink.refer(slot.target, step, weaker(hold, slot.hold));
    }
    let fields = match seen {
        Seen::Frame => [
            (f.f_locals, Step::Attribute(names.f_locals), hold),
            (
                f.f_globals,
                Step::Attribute(names.f_globals),
                Hold::Borrowed,
            ),
            (
                f.f_builtins,
                Step::Attribute(names.f_builtins),
                Hold::Borrowed,
            ),
        ],
        Seen::Generator => [
            (f.f_locals, Step::Interior(names.f_locals), hold),
            (f.frame_obj, Step::Attribute(names.gi_frame), hold),
            (f.f_globals, Step::Interior(names.f_globals), Hold::Borrowed),
        ],
    };
    for (offset, step, hold) in fields {
        let target = reader.cache.pointer(frame.offset(offset))?;
        sink.refer(target, step, hold);
    }
    variables(reader, f, frame, code, seen, hold, sink)
}

/// The local variables of a frame, and its evaluation stack where its depth is known.
fn variables<M: Memory>(
    reader: &mut Reader<'_, M>,
    f: &PyInterpreterFrame,
    frame: RemoteAddress,
    code: RemoteAddress,
    seen: Seen,
    hold: Hold,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let Some(variables) = Variables::read(reader, code)? else {
        return Ok(());
    };
    let count = variables.names.len();
    let in_use = slots::in_use(reader, frame)?;
    if in_use.is_some_and(|slots| slots > MAX_SLOTS as u64) {
        reader.diagnostics.count(Trouble::ImplausibleLength, frame);
        return Ok(());
    }
    if in_use.is_none() {
        running_stack(reader, frame.offset(f.localsplus), &variables, sink)?;
    }
    let slots = in_use.map_or(count, |slots| slots as usize);
    reader.pointers(frame.offset(f.localsplus), slots, |reader, i, word| {
        let name = variables.names.get(i).copied();
        let step = match (name, seen) {
            (Some(name), Seen::Frame) => variables.step(i, name),
            (Some(name), Seen::Generator) => Step::SuspendedLocal(name),
            (None, Seen::Frame) => Step::Stack(i - count),
            (None, Seen::Generator) => Step::SuspendedStack(i - count),
        };
        let slot = slots::of(reader, word);
        sink.refer(slot.target, step, weaker(hold, slot.hold));
    })
}

/// Who only shows a slot does not hold more than the slot does.
fn weaker(a: Hold, b: Hold) -> Hold {
    if a == Hold::Borrowed { a } else { b }
}

/// The evaluation stack of a frame that runs: what lies above its unknown top is stale, so
/// every entry is only a place that may hold an object. It tells who holds what nothing else
/// explains.
fn running_stack<M: Memory>(
    reader: &mut Reader<'_, M>,
    localsplus: RemoteAddress,
    variables: &Variables,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let bottom = localsplus.offset(8 * variables.names.len() as u64);
    reader.pointers(bottom, variables.stacksize, |reader, i, entry| {
        let slot = slots::of(reader, entry);
        sink.refer_by_word(reader, slot.target, Step::Stack(i), Hold::Borrowed);
    })
}
