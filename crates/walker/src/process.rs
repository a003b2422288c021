//! Threads and frames as rows.

use crate::lines;
use crate::marks::Numbers;
use crate::reader::Reader;
use crate::runtime::{FrameState, Interpreter};
use crate::text;
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
                frames.push(Frame {
                    thread,
                    depth: depth as u32,
                    object,
                    code: numbers.get(frame.code),
                    // What can't be read stays empty: the frame itself is still a row.
                    function: code_text(reader, frame.code, CodeText::Name).unwrap_or_default(),
                    file: code_text(reader, frame.code, CodeText::File).unwrap_or_default(),
                    line: line(reader, frame).unwrap_or_default(),
                });
            }
        }
    }
    (threads, frames)
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
        CodeText::Name => c.co_qualname,
        CodeText::File => c.co_filename,
    };
    let object = reader.cache.pointer(code.offset(offset))?;
    Ok(text::read(reader, object, NAME_LIMIT)?.unwrap_or_default())
}

/// The line that a frame runs.
fn line<M: Memory>(reader: &mut Reader<'_, M>, frame: &FrameState) -> Result<u32, Fault> {
    let structs = &reader.layout.structs;
    let f = &structs.py_interpreter_frame;
    let c = &structs.py_code_object;
    let Some(instruction) = f.prev_instr.or(f.instr_ptr) else {
        return Ok(0);
    };
    let at = reader.cache.u64(frame.address.offset(instruction))?;
    let first = frame.code.offset(c.co_code_adaptive).get();
    let table = reader.cache.pointer(frame.code.offset(c.co_linetable))?;
    let b = &structs.py_bytes_object;
    let length = reader.cache.u64(table.offset(b.ob_size))?.min(1 << 24);
    reader.spend(table, length.div_ceil(8))?;
    let table = reader
        .cache
        .bytes(table.offset(b.ob_sval), length as usize)?;
    let first_line = reader.cache.u32(frame.code.offset(c.co_firstlineno))?;
    let offset = at.saturating_sub(first);
    Ok(lines::line_at(&table, first_line, offset))
}
