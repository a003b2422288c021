//! `greenlet.greenlet`, and gevent's, which derives from it: a suspended greenlet keeps the
//! frames that it will go on with. They stay where they are, while the part of the C stack
//! that other greenlets need is copied to the heap.
//!
//! Facts: `greenlet.h` and `TGreenlet.hpp` (2.0 to 3.5), `greenlet.h` (1.1). The C++ object
//! behind a greenlet has members that are there in some versions of Python only; what lies
//! behind them is found by what it is, a greenlet, and not by its place.

use super::{CType, Decode, Extension, Taken};
use crate::diagnostics::Trouble;
use crate::reader::{Reader, pointer_in};
use crate::runtime::{self, FrameState};
use crate::sink::{Hold, Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};
use rustc_hash::FxHashSet;

/// `PyGreenlet` from 2.0 on, behind the head: `weakreflist`, `dict`, `pimpl`.
const SIZE: u64 = 24;
const PIMPL: u64 = 16;
/// `PyGreenlet` of 1.1, which has all members in itself, in Python 3.8 and 3.9, and in 3.10:
/// a `StackState`, `parent`, `run_info` and `top_frame`, then more.
const FLAT_SIZES: [u64; 2] = [136, 144];
const FLAT_PARENT: u64 = 40;
const FLAT_RUN_INFO: u64 = 48;
const FLAT_TOP_FRAME: u64 = 56;
/// `SwitchingArgs`: `_args` and `_kwargs`.
const SWITCH_ARGS: u64 = 16;
/// `StackState`: `_stack_start`, `stack_stop`, `stack_copy`, `_stack_saved`, `stack_prev`.
const STACK_STATE: u64 = 40;
const STACK_STOP: u64 = 8;
/// `stack_stop` of a main greenlet, whose stack has no end.
const NO_END: u64 = u64::MAX;
/// Words behind `_top_frame` in which `_main_greenlet` or `_parent` stand.
const REST: usize = 18;
/// The most frames of one greenlet that are believed.
const MAX_FRAMES: usize = 1 << 16;
/// Frames that have names: what is deeper is `->refs[i]`, since `.f_back` is written once
/// more for each.
const NAMED: usize = 24;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Greenlet {
    head: u64,
    /// Whether the members are in the object itself.
    is_flat: bool,
    /// Bytes of `ExceptionState`: a pointer, then a `_PyErr_StackItem`.
    exception_state: u64,
}

impl Decode for Greenlet {
    fn is_for(tp_name: &str) -> bool {
        tp_name == "greenlet.greenlet"
    }

    fn take<M: Memory>(
        reader: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let size = tp.basicsize.wrapping_sub(tp.head);
        let decoder = Self {
            head: tp.head,
            is_flat: FLAT_SIZES.contains(&size),
            exception_state: 8 + reader.layout.structs.py_err_stack_item.size,
        };
        if decoder.is_flat {
            // What is behind them `tp_traverse` tells.
            let fields = vec![
                tp.attribute(FLAT_PARENT, "parent"),
                tp.attribute(FLAT_RUN_INFO, "run"),
            ];
            return Ok(Taken::more(decoder, fields));
        }
        Ok(Taken::all(decoder, Vec::new()).filter(|_| size == SIZE))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        if self.is_flat {
            return self.flat_frames(reader, object, sink);
        }
        let pimpl = reader.cache.pointer(object.offset(self.head + PIMPL))?;
        if pimpl.is_null() {
            return Ok(());
        }
        let first = self.first_member(reader, object, pimpl)?;
        let switch_args = first.offset(self.exception_state);
        let stack_state = switch_args.offset(SWITCH_ARGS);
        let python_state = stack_state.offset(STACK_STATE);
        self.exception(reader, first, sink)?;
        for (offset, name) in [(0, "switch_args"), (8, "switch_kwargs")] {
            let target = reader.cache.pointer(switch_args.offset(offset))?;
            let step = Step::Interior(reader.intern(name));
            sink.own(target, step);
        }
        let context = reader.cache.pointer(python_state)?;
        let step = Step::Attribute(reader.intern("gr_context"));
        sink.own(context, step);
        let top_frame = reader.cache.pointer(python_state.offset(8))?;
        // A main greenlet has none, and what lies behind it is another's.
        if reader.cache.u64(stack_state.offset(STACK_STOP))? != NO_END {
            relatives(reader, object, python_state.offset(16), sink)?;
        }
        if top_frame.is_null() {
            // It runs, or it does not.
            return Ok(());
        }
        let stack = SavedStack::read(reader, stack_state)?;
        frames(reader, object, top_frame, &stack, sink)
    }
}

impl Greenlet {
    /// The frames of a greenlet that has all members in itself.
    fn flat_frames<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let members = object.offset(self.head);
        let top_frame = reader.cache.pointer(members.offset(FLAT_TOP_FRAME))?;
        if top_frame.is_null() {
            return Ok(());
        }
        let stack = SavedStack::read(reader, members)?;
        frames(reader, object, top_frame, &stack, sink)
    }

    /// The first member that all versions have, `exception_state`: from 3.1 on a pointer to
    /// the `PyGreenlet` stands before it.
    fn first_member<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        pimpl: RemoteAddress,
    ) -> Result<RemoteAddress, Fault> {
        // The first word is the table of virtual functions.
        let second = reader.cache.pointer(pimpl.offset(8))?;
        let before = if second == object { 16 } else { 8 };
        Ok(pimpl.offset(before))
    }

    /// The exceptions that are being handled.
    fn exception<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        state: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let item = &reader.layout.structs.py_err_stack_item;
        // Its last word leads to the item below.
        let (exc_value, words) = (item.exc_value, item.previous_item / 8);
        let step = Step::Interior(reader.intern("exc_state"));
        for word in 0..words {
            let at = state.offset(8 + word * 8);
            let target = reader.cache.pointer(at)?;
            if at == state.offset(8 + exc_value) {
                sink.own(target, step);
            } else {
                sink.refer_by_word(reader, target, step, Hold::Owned);
            }
        }
        Ok(())
    }
}

/// `_main_greenlet`, `_run_callable` and `_parent`, which stand behind members that depend
/// on the version of Python: the first greenlet among them is the main one, or the parent
/// where that is not set yet.
fn relatives<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    from: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let words = reader.cache.bytes(from, (REST + 2) * 8)?;
    let word = |i: usize| pointer_in(&words, 8 * i as u64);
    let is_other =
        |reader: &mut Reader<'_, M>, i| word(i) != object && is_greenlet(reader, word(i));
    let Some(first) = (0..REST).find(|&i| is_other(reader, i)) else {
        return Ok(());
    };
    // Behind the parent the object ends, and something else may begin.
    let between = word(first + 1);
    let is_run = between.is_null() || reader.looks_like_object(between);
    let (main, run, parent) = if is_run && is_other(reader, first + 2) {
        (word(first), word(first + 1), word(first + 2))
    } else if first > 0 {
        (RemoteAddress::NULL, word(first - 1), word(first))
    } else {
        return Ok(());
    };
    let run_name = reader.intern("run");
    let main_name = reader.intern("main_greenlet");
    let parent_name = reader.intern("parent");
    sink.own(parent, Step::Attribute(parent_name));
    sink.own(main, Step::Interior(main_name));
    sink.refer_by_word(reader, run, Step::Attribute(run_name), Hold::Owned);
    Ok(())
}

fn is_greenlet<M: Memory>(reader: &mut Reader<'_, M>, word: RemoteAddress) -> bool {
    let info = reader.looks_like_object(word).then(|| reader.type_of(word));
    matches!(
        info.flatten().and_then(|info| info.extension),
        Some(Extension::Greenlet(_))
    )
}

/// The frames of a suspended greenlet, from the innermost on.
fn frames<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    top_frame: RemoteAddress,
    stack: &SavedStack,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let is_frame = |info: &crate::types::TypeInfo| info.tp_name == "frame";
    if !reader
        .type_of(top_frame)
        .is_some_and(|info| is_frame(&info))
    {
        reader.diagnostics.count(Trouble::BrokenChain, object);
        return Ok(());
    }
    // Up to 3.10 the frame is the object.
    let mut address = match reader.layout.structs.py_frame_object.f_frame {
        Some(f_frame) => reader.cache.pointer(top_frame.offset(f_frame))?,
        None => top_frame,
    };
    let mut seen = FxHashSet::default();
    let mut found: Vec<FrameState> = Vec::new();
    while !address.is_null() {
        if found.len() >= MAX_FRAMES || !seen.insert(address) {
            reader.diagnostics.count(Trouble::BrokenChain, address);
            break;
        }
        reader.spend(address, 8)?;
        // Frames of the C stack that join two runs of the evaluation loop lie where another
        // greenlet's stack may be now.
        let (state, previous) = runtime::frame(reader, stack.translate(address))?;
        if let Some(state) = state {
            if !is_code(reader, state.code) {
                reader.diagnostics.count(Trouble::BrokenChain, address);
                break;
            }
            found.push(state);
        }
        address = previous;
    }
    sink.suspended(object, &found);
    let mut name = String::new();
    for (depth, frame) in found.iter().enumerate() {
        name += if depth == 0 { "gr_frame" } else { ".f_back" };
        let step = if depth < NAMED {
            Step::Attribute(reader.intern(&name))
        } else {
            Step::Numbered(depth)
        };
        sink.own(frame.object(), step);
    }
    Ok(())
}

fn is_code<M: Memory>(reader: &mut Reader<'_, M>, object: RemoteAddress) -> bool {
    reader
        .type_of(object)
        .is_some_and(|info| info.tp_name == "code")
}

/// The part of a greenlet's C stack that was copied to the heap.
struct SavedStack {
    start: RemoteAddress,
    copy: RemoteAddress,
    saved: u64,
}

impl SavedStack {
    fn read<M: Memory>(reader: &mut Reader<'_, M>, state: RemoteAddress) -> Result<Self, Fault> {
        Ok(Self {
            start: reader.cache.pointer(state)?,
            copy: reader.cache.pointer(state.offset(16))?,
            saved: reader.cache.u64(state.offset(24))?,
        })
    }

    /// Where to read what belongs at an address of the stack.
    fn translate(&self, address: RemoteAddress) -> RemoteAddress {
        match address.get().checked_sub(self.start.get()) {
            Some(offset) if offset < self.saved && !self.copy.is_null() => self.copy.offset(offset),
            _ => address,
        }
    }
}
