//! Code objects, frames and generators up to 3.10, where each frame is an object.

use exuvia_memory::RemoteAddress;

use crate::abi_old::{ObjectFramesAbi, StackTop};
use crate::offset;
use crate::{Code, FrameSpec, Heap, Python, State, Variable};

/// `PyCodeObject`
mod code {
    pub(super) const CO_NLOCALS: u64 = 28;
    pub(super) const CO_STACKSIZE: u64 = 32;
    pub(super) const CO_FIRSTLINENO: u64 = 40;
    pub(super) const CO_CODE: u64 = 48;
    pub(super) const CO_CONSTS: u64 = 56;
    pub(super) const CO_NAMES: u64 = 64;
    pub(super) const CO_VARNAMES: u64 = 72;
    pub(super) const CO_FREEVARS: u64 = 80;
    pub(super) const CO_CELLVARS: u64 = 88;
    pub(super) const CO_FILENAME: u64 = 104;
    pub(super) const CO_NAME: u64 = 112;
    /// `co_lnotab`; `co_linetable` in 3.10.
    pub(super) const CO_LINES: u64 = 120;
    pub(super) const SIZE: u64 = 176;
}

/// `PyFrameObject`, as far as it is the same in all of them.
mod frame {
    pub(super) const F_BACK: u64 = 24;
    pub(super) const F_CODE: u64 = 32;
    pub(super) const F_GLOBALS: u64 = 48;
    pub(super) const F_VALUESTACK: u64 = 64;
}

const CODE_SIZE: u64 = code::SIZE;
/// `PyGenObject.gi_frame`
const GI_FRAME: u64 = 16;
/// `co_stacksize` of all code here.
const STACK: u64 = 4;

/// `tp_basicsize` of `code`.
pub(crate) const fn code_size() -> u64 {
    CODE_SIZE
}

/// A code object; the variables must be in the order local, cell, free.
pub(crate) fn code(heap: &mut Heap, name: &str, variables: &[(&str, Variable)]) -> Code {
    let mut names_of = |wanted| {
        let of_kind = variables.iter().filter(|&&(_, kind)| kind == wanted);
        let names: Vec<_> = of_kind.map(|(name, _)| heap.text(name)).collect();
        (names.len() as u64, heap.tuple(&names))
    };
    let (locals, varnames) = names_of(Variable::Local);
    let (cells, cellvars) = names_of(Variable::Cell);
    let (free, freevars) = names_of(Variable::Free);
    let (consts, names) = (heap.tuple(&[]), heap.tuple(&[]));
    let (name, filename) = (heap.text(name), heap.text("app.py"));
    let bytecode = heap.bytes(&[0; 16]);
    // All 16 bytes belong to the line two below the first.
    let lines = match heap.python {
        Python::V3_10 => [16, 2],
        _ => [0, 2],
    };
    let lines = heap.bytes(&lines);
    let code = heap.allocate(CODE_SIZE);
    heap.head(code, "code");
    let pointers = [
        (code::CO_CODE, bytecode),
        (code::CO_CONSTS, consts),
        (code::CO_NAMES, names),
        (code::CO_VARNAMES, varnames),
        (code::CO_FREEVARS, freevars),
        (code::CO_CELLVARS, cellvars),
        (code::CO_FILENAME, filename),
        (code::CO_NAME, name),
        (code::CO_LINES, lines),
    ];
    for (at, target) in pointers {
        heap.put_pointer(code, at, target);
    }
    heap.put_u32(code, code::CO_NLOCALS, locals as u32);
    heap.put_u32(code, code::CO_STACKSIZE, STACK as u32);
    heap.put_u32(code, code::CO_FIRSTLINENO, 40);
    Code {
        address: code,
        names: varnames,
        kinds: RemoteAddress::NULL,
        variables: locals + cells + free,
    }
}

/// A `frame` that runs, or, if the specification says how many slots are in use, waits.
pub(crate) fn frame(heap: &mut Heap, abi: &ObjectFramesAbi, spec: &FrameSpec<'_>) -> RemoteAddress {
    let places = spec.code.variables + STACK;
    let object = heap.allocate_tracked(abi.f_localsplus + 8 * places);
    heap.head(object, "frame");
    heap.put_u64(object, offset::OB_SIZE, places);
    let first = object.offset(abi.f_localsplus);
    let stack = first.offset(8 * spec.code.variables);
    let pointers = [
        (frame::F_BACK, spec.previous),
        (frame::F_CODE, spec.code.address),
        (frame::F_GLOBALS, spec.globals),
        (frame::F_VALUESTACK, stack),
    ];
    for (at, target) in pointers {
        heap.put_pointer(object, at, target);
    }
    let depth = u64::try_from(spec.stacktop).map(|used| used - spec.code.variables);
    match (&abi.stack_top, depth) {
        (StackTop::Address(at), Ok(depth)) => {
            heap.put_pointer(object, *at, stack.offset(8 * depth));
        }
        (StackTop::Address(at), Err(_)) => heap.put_pointer(object, *at, RemoteAddress::NULL),
        (StackTop::Depth(at), Ok(depth)) => heap.put_u32(object, *at, depth as u32),
        (StackTop::Depth(at), Err(_)) => heap.put_u32(object, *at, u32::MAX),
    }
    heap.put_u32(object, abi.f_lasti, 4 / abi.lasti_unit);
    let state = if depth.is_ok() {
        abi.suspended
    } else {
        abi.executing
    };
    heap.image
        .put(object.offset(abi.state), &state.to_le_bytes());
    heap.put_pointers(first, spec.slots);
    object
}

/// Changes which frame a frame says that called it.
pub(crate) fn set_previous(heap: &mut Heap, object: RemoteAddress, previous: RemoteAddress) {
    heap.put_pointer(object, frame::F_BACK, previous);
}

/// A generator. Returns it and its frame, which is null when it has ended.
pub(crate) fn generator(
    heap: &mut Heap,
    abi: &ObjectFramesAbi,
    state: State,
    spec: &FrameSpec<'_>,
) -> (RemoteAddress, RemoteAddress) {
    let object = heap.allocate_tracked(abi.generator);
    heap.head(object, "generator");
    let name = heap.text("numbers");
    heap.put_pointer(object, abi.gi_name, name);
    heap.put_pointer(object, abi.gi_qualname, name);
    heap.put_pointer(object, abi.gi_code, spec.code.address);
    let running = match state {
        State::Suspended | State::Executing => {
            let running = frame(heap, abi, spec);
            heap.put_pointer(running, abi.f_gen, object);
            running
        }
        State::Cleared => RemoteAddress::NULL,
    };
    heap.put_pointer(object, GI_FRAME, running);
    (object, running)
}
