//! Threads and frames as rows.

use crate::lines;
use crate::marks::Numbers;
use crate::reader::Reader;
use crate::runtime::{FrameState, Interpreter};
use crate::text;
use exuvia_cpython::LineTable;
use exuvia_memory::{Fault, Memory, RemoteAddress};
use exuvia_snapshot::{Frame, Thread};

/// Longer names of functions and files are cut.
const NAME_LIMIT: usize = 4096;

/// The rows of all threads, and of their frames.
pub(crate) fn rows<M: Memory>(
    reader: &mut Reader<'_, M>,
    interpreters: &[Interpreter],
    numbers: &Numbers,
) -> (Vec<Thread>, Vec<Frame>) {
    let (mut threads, mut frames) = (Vec::new(), Vec::new());
    for interpreter in interpreters {
        for state in &interpreter.threads {
            let thread = threads.len() as u32;
            threads.push(Thread {
                interpreter: interpreter.id,
                ident: state.thread_id,
                native_id: (state.native_thread_id != 0).then_some(state.native_thread_id),
                holds_gil: state.holds_gil,
            });
            for (depth, frame) in state.frames.iter().enumerate() {
                let Some(object) = numbers.get(frame.object()) else {
                    continue;
                };
                let place = Place::of(reader, frame);
                frames.push(Frame {
                    thread,
                    depth: depth as u32,
                    object,
                    code: numbers.get(frame.code),
                    function: place.function,
                    file: place.file,
                    line: place.line,
                });
            }
        }
    }
    (threads, frames)
}

/// Where a frame is in the source. What can't be read is empty.
pub(crate) struct Place {
    pub(crate) function: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

impl Place {
    pub(crate) fn of<M: Memory>(reader: &mut Reader<'_, M>, frame: &FrameState) -> Self {
        Self {
            function: code_text(reader, frame.code, CodeText::Name).unwrap_or_default(),
            file: code_text(reader, frame.code, CodeText::File).unwrap_or_default(),
            line: line(reader, frame).unwrap_or_default(),
        }
    }
}

enum CodeText {
    Name,
    File,
}

fn code_text<M: Memory>(
    reader: &mut Reader<'_, M>,
    code: RemoteAddress,
    which: CodeText,
) -> Result<String, Fault> {
    let c = &reader.layout.structs.py_code_object;
    let offset = match which {
        CodeText::Name => c.co_qualname.unwrap_or(c.co_name),
        CodeText::File => c.co_filename,
    };
    let object = reader.cache.pointer(code.offset(offset))?;
    Ok(text::read(reader, object, NAME_LIMIT)?.unwrap_or_default())
}

/// The line that a frame runs.
fn line<M: Memory>(reader: &mut Reader<'_, M>, frame: &FrameState) -> Result<u32, Fault> {
    let structs = &reader.layout.structs;
    let c = &structs.py_code_object;
    let first_line = reader.cache.u32(frame.code.offset(c.co_firstlineno))?;
    let Some(offset) = instruction(reader, frame)? else {
        return Ok(first_line);
    };
    let table = reader.cache.pointer(frame.code.offset(c.co_linetable))?;
    let b = &structs.py_bytes_object;
    let length = reader.cache.u64(table.offset(b.ob_size))?.min(1 << 24);
    reader.spend(table, length.div_ceil(8))?;
    let table = reader
        .cache
        .bytes(table.offset(b.ob_sval), length as usize)?;
    Ok(match reader.layout.shapes.line_table {
        LineTable::Lnotab => lines::in_lnotab(&table, first_line, offset),
        LineTable::Ranges => lines::in_ranges(&table, first_line, offset),
        LineTable::Locations => lines::line_at(&table, first_line, offset),
    })
}

/// Where in its code a frame is, in bytes from the first instruction; nothing before that one.
fn instruction<M: Memory>(
    reader: &mut Reader<'_, M>,
    frame: &FrameState,
) -> Result<Option<u64>, Fault> {
    let structs = &reader.layout.structs;
    if let Some(f_lasti) = structs.py_frame_object.f_lasti {
        // A number of bytes, or from 3.10 on of instructions, or -1 before the first.
        let last = reader.cache.u32(frame.address.offset(f_lasti))? as i32;
        let unit = match reader.layout.shapes.line_table {
            LineTable::Lnotab => 1,
            LineTable::Ranges | LineTable::Locations => 2,
        };
        let last = u64::try_from(last).ok();
        return Ok(last.map(|last| last.saturating_mul(unit)));
    }
    let (Some(f), Some(code)) = (
        &structs.py_interpreter_frame,
        structs.py_code_object.co_code_adaptive,
    ) else {
        return Ok(None);
    };
    let Some(field) = f.prev_instr.or(f.instr_ptr) else {
        return Ok(None);
    };
    let at = reader.cache.u64(frame.address.offset(field))?;
    Ok(Some(at.saturating_sub(frame.code.offset(code).get())))
}
