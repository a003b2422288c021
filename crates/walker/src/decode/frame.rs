//! Frames: `frame` objects, and the `_PyInterpreterFrame`s behind them, which most of the
//! time have no object.

use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use crate::slots;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The most local variables and stack entries that are believed of one frame.
const MAX_SLOTS: i64 = 1 << 20;
/// `CO_FAST_CELL | CO_FAST_FREE` of `pycore_code.h`: the variable lives in a cell.
const IN_A_CELL: u8 = 0x40 | 0x80;

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
    let f_frame = reader.layout.structs.py_frame_object.f_frame;
    let owner = reader.layout.structs.py_interpreter_frame.owner;
    let constants = &reader.layout.constants;
    let frame = reader.cache.pointer(object.offset(f_frame))?;
    if frame.is_null() {
        return Ok(());
    }
    let owner = i64::from(reader.cache.u8(frame.offset(owner))?);
    if owner == constants.frame_owned_by_generator && !super::generator::is_running(reader, frame)?
    {
        // A suspended generator owns what its frame holds; the frame object only shows it.
        return contents(reader, frame, Seen::Frame, Hold::Borrowed, sink);
    }
    if owner == constants.frame_owned_by_frame_object {
        // The globals live as long as the function that the frame owns. They are shown as
        // the frame's own, as heapy does, for a frame that outlived its call.
        let f = &reader.layout.structs.py_interpreter_frame;
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
    let f = &reader.layout.structs.py_interpreter_frame;
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
    variables(reader, frame, code, seen, hold, sink)
}

/// The local variables of a frame, and its evaluation stack where its depth is known.
fn variables<M: Memory>(
    reader: &mut Reader<'_, M>,
    frame: RemoteAddress,
    code: RemoteAddress,
    seen: Seen,
    hold: Hold,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let f = &reader.layout.structs.py_interpreter_frame;
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
        running_stack(reader, frame, &variables, sink)?;
    }
    let slots = in_use.map_or(count, |slots| slots as usize);
    reader.pointers(frame.offset(f.localsplus), slots, |reader, i, word| {
        let name = variables.names.get(i).copied();
        let in_a_cell = variables
            .kinds
            .get(i)
            .is_some_and(|kind| kind & IN_A_CELL != 0);
        let step = match (name, seen) {
            (Some(name), Seen::Frame) if in_a_cell => Step::Cell(name),
            (Some(name), Seen::Frame) => Step::Local(name),
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
    frame: RemoteAddress,
    variables: &Variables,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let localsplus = reader.layout.structs.py_interpreter_frame.localsplus;
    let bottom = frame.offset(localsplus + 8 * variables.names.len() as u64);
    reader.pointers(bottom, variables.stacksize, |reader, i, entry| {
        let slot = slots::of(reader, entry);
        sink.refer_by_word(reader, slot.target, Step::Stack(i), Hold::Borrowed);
    })
}

/// The names of a code object's variables, and how each is kept.
struct Variables {
    names: Vec<RemoteAddress>,
    kinds: Vec<u8>,
    /// The most entries that its evaluation stack has.
    stacksize: usize,
}

impl Variables {
    fn read<M: Memory>(
        reader: &mut Reader<'_, M>,
        code: RemoteAddress,
    ) -> Result<Option<Self>, Fault> {
        // What runs may be no code object: frames of the C stack have `None` there.
        if !matches!(reader.type_of(code), Some(info) if info.tp_name == "code") {
            return Ok(None);
        }
        let structs = &reader.layout.structs;
        let c = &structs.py_code_object;
        let count = i64::from(reader.cache.u32(code.offset(c.co_nlocalsplus))? as i32);
        if !(0..=MAX_SLOTS).contains(&count) {
            reader.diagnostics.count(Trouble::ImplausibleLength, code);
            return Ok(None);
        }
        let names = reader.cache.pointer(code.offset(c.co_localsplusnames))?;
        let kinds = reader.cache.pointer(code.offset(c.co_localspluskinds))?;
        let first = names.offset(structs.py_tuple_object.ob_item);
        let mut found = Vec::with_capacity(count.min(64) as usize);
        reader.pointers(first, count as usize, |_, _, name| found.push(name))?;
        let kinds = kinds.offset(structs.py_bytes_object.ob_sval);
        reader.spend(kinds, (count as u64).div_ceil(8))?;
        let kinds = reader.cache.bytes(kinds, count as usize)?;
        let stacksize = reader.cache.u32(code.offset(c.co_stacksize))?;
        Ok(Some(Self {
            names: found,
            kinds,
            stacksize: (stacksize as usize).min(MAX_SLOTS as usize),
        }))
    }
}
