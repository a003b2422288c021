//! Frames of generators, coroutines and asynchronous generators that don't run, as rows.

use crate::marks::Numbers;
use crate::process::Place;
use crate::reader::Reader;
use crate::runtime::{self, FrameState, Interpreter};
use crate::types::Family;
use exuvia_memory::{Fault, Memory, RemoteAddress};
use exuvia_snapshot::{Kind, Objects, SuspendedFrame, Type};
use rustc_hash::FxHashSet;

/// Where it is written which objects are generators.
pub(crate) struct Tables<'a> {
    pub(crate) objects: &'a Objects,
    pub(crate) kinds: &'a [Kind],
    pub(crate) types: &'a [Type],
}

/// A row for each generator whose frame waits, sorted by object.
pub(crate) fn rows<M: Memory>(
    reader: &mut Reader<'_, M>,
    tables: &Tables<'_>,
    interpreters: &[Interpreter],
    numbers: &Numbers,
) -> Vec<SuspendedFrame> {
    let is_generator: Vec<bool> = tables
        .kinds
        .iter()
        .map(|kind| {
            let address = tables.types.get(kind.type_id.index()).map(|of| of.address);
            let info = address.and_then(|address| reader.type_at(RemoteAddress::new(address)));
            info.is_some_and(|info| info.family == Family::Generator)
        })
        .collect();
    let threads = interpreters.iter().flat_map(|one| &one.threads);
    let running: FxHashSet<_> = threads
        .flat_map(|thread| &thread.frames)
        .map(|frame| frame.address)
        .collect();
    let mut found = Vec::new();
    for object in tables.objects.ids() {
        let kind = tables.objects.kind[object.index()];
        if is_generator.get(kind.index()) != Some(&true) {
            continue;
        }
        let address = RemoteAddress::new(tables.objects.address[object.index()]);
        // Trouble was counted when the references were read.
        let Ok(Some(frame)) = reader.quietly(|reader| suspended_frame(reader, address)) else {
            continue;
        };
        if running.contains(&frame.address) {
            continue;
        }
        let Place {
            function,
            file,
            line,
        } = Place::of(reader, &frame);
        found.push(SuspendedFrame {
            object,
            code: numbers.get(frame.code),
            function,
            file,
            line,
        });
    }
    found
}

/// The frame of a generator, unless it is done, or inside itself and running.
fn suspended_frame<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<Option<FrameState>, Fault> {
    let g = &reader.layout.structs.py_gen_object;
    let constants = &reader.layout.constants;
    if let (Some(state), Some(iframe)) = (g.gi_frame_state, g.gi_iframe) {
        let state = Some(i64::from(reader.cache.u8(object.offset(state))? as i8));
        let done = constants.frame_completed.or(constants.frame_cleared);
        if state == constants.frame_executing || state >= done {
            return Ok(None);
        }
        let (frame, _) = runtime::frame(reader, object.offset(iframe))?;
        return Ok(frame);
    }
    // Up to 3.10 the frame is an object, and the generator lets go of it when it is done.
    let Some(gi_frame) = g.gi_frame else {
        return Ok(None);
    };
    let frame = reader.cache.pointer(object.offset(gi_frame))?;
    if frame.is_null() {
        return Ok(None);
    }
    let (frame, _) = runtime::frame(reader, frame)?;
    Ok(frame)
}
