//! pyarrow: buffers, arrays, record batches and tables are counted pointers to objects of
//! C++, which share their buffers.
//!
//! A buffer counts once, for the first object that uses it, and a slice counts for the
//! buffer that it is a part of. Only memory of Arrow's own pools counts: other buffers show
//! memory of a Python object, which then is a referent, or of a file.
//!
//! Facts: `lib.pxd` of pyarrow; `buffer.h`, `array/data.h`, `chunked_array.h`, `table.h`,
//! `arrow/python/common.h`, `numpy_convert.h` and `io.h` of Arrow 14 to 26. Classes are told
//! by their names in the library.

use super::cpp::{Shared, class_of, vector};
use super::{CType, Decode, SharedBlock, Taken};
use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};
use rustc_hash::FxHashSet;

/// The first field of all these types: behind the head come the weak references and the
/// table of Cython's methods.
const POINTER: u64 = 16;
const TYPES: [&str; 6] = [
    "Buffer",
    "Array",
    "ChunkedArray",
    "RecordBatch",
    "Table",
    "Tensor",
];

/// `arrow::Buffer`: `data_`, `capacity_`, and where `parent_` is: behind a word with the type
/// of the device, or, before Arrow 13, without one.
const DATA: u64 = 16;
const CAPACITY: u64 = 32;
const PARENTS: [u64; 2] = [48, 40];
/// Behind `parent_` comes `memory_manager_`, and there the class of `arrow::Buffer` ends.
const MANAGER: u64 = 16;
const END: u64 = 32;
/// The longest chain of slices of slices that is followed.
const MAX_PARENTS: usize = 64;
/// `arrow::ArrayData`.
const BUFFERS: u64 = 40;
const CHILD_DATA: u64 = 64;
const DICTIONARY: u64 = 88;
/// How deep lists of lists are followed.
const MAX_DEPTH: usize = 64;
/// So many buffers of an object are told apart by name: each name is kept for ever.
const NUMBERED: usize = 256;
/// `arrow::SimpleTable` and `arrow::SimpleRecordBatch`: behind a schema and a length.
const COLUMNS: u64 = 32;
/// `data_` of an `arrow::Array`; of an `arrow::Tensor` behind its type.
const ARRAY_DATA: u64 = 8;
const TENSOR_DATA: u64 = 24;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrow {
    head: u64,
}

impl Decode for Arrow {
    fn is_for(tp_name: &str) -> bool {
        let name = tp_name.strip_prefix("pyarrow.lib.");
        name.is_some_and(|name| TYPES.contains(&name))
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let decoder = Self { head: tp.head };
        let is_known = tp.basicsize >= tp.head + POINTER + Shared::SIZE;
        Ok(Taken::more(decoder, Vec::new()).filter(|_| is_known))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let buffers = self.buffers(reader, object)?;
        for (i, &buffer) in buffers.iter().enumerate() {
            if let Origin::Object(owner) = origin(reader, buffer)? {
                let name = match i {
                    _ if buffers.len() == 1 => "buffer".to_owned(),
                    0..NUMBERED => format!("buffers[{i}]"),
                    _ => "buffers[…]".to_owned(),
                };
                let step = Step::Interior(reader.intern(&name));
                sink.refer_by_word(reader, owner, step, Hold::Owned);
            }
        }
        Ok(())
    }

    fn shared<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        each: &mut dyn FnMut(SharedBlock),
    ) -> Result<(), Fault> {
        for buffer in self.buffers(reader, object)? {
            match origin(reader, buffer)? {
                Origin::Pool(block) => each(block),
                Origin::Object(_) | Origin::Elsewhere => {}
                Origin::Unknown => {
                    reader
                        .diagnostics
                        .count(Trouble::UnknownNativeMemory, object);
                }
            }
        }
        Ok(())
    }
}

impl Arrow {
    /// The `arrow::Buffer`s that an object uses, in the order in which it has them.
    fn buffers<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
    ) -> Result<Vec<RemoteAddress>, Fault> {
        let mut buffers = Buffers::default();
        let first = Shared::read(reader, object.offset(self.head + POINTER))?;
        buffers.add(reader, &first)?;
        Ok(buffers.found)
    }
}

/// Buffers, each once.
#[derive(Default)]
struct Buffers {
    found: Vec<RemoteAddress>,
    seen: FxHashSet<RemoteAddress>,
}

impl Buffers {
    /// Adds the buffers of whatever class of Arrow a pointer leads to.
    fn add<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        pointer: &Shared,
    ) -> Result<(), Fault> {
        let object = pointer.target;
        if object.is_null() {
            return Ok(());
        }
        // A chunked array has no virtual functions.
        if pointer.counts("12ChunkedArrayE") {
            return self.array_vector(reader, object);
        }
        let class = class_of(reader, object);
        let Some(class) = class.as_deref().filter(|name| name.contains("5arrow")) else {
            return Ok(());
        };
        if class.contains("SimpleTableE") {
            for column in vector(reader, object.offset(COLUMNS), Shared::SIZE)? {
                let column = Shared::read(reader, column)?;
                if column.counts("12ChunkedArrayE") {
                    self.array_vector(reader, column.target)?;
                }
            }
        } else if class.contains("SimpleRecordBatchE") {
            for column in vector(reader, object.offset(COLUMNS), Shared::SIZE)? {
                self.array_data(reader, column, 0)?;
            }
        } else if class.ends_with("BufferE") {
            self.push(object);
        } else if class.contains("TensorE") {
            self.buffer(reader, object.offset(TENSOR_DATA))?;
        } else {
            self.array_data(reader, object.offset(ARRAY_DATA), 0)?;
        }
        Ok(())
    }

    /// A vector of arrays: the chunks of a chunked array.
    fn array_vector<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        at: RemoteAddress,
    ) -> Result<(), Fault> {
        for chunk in vector(reader, at, Shared::SIZE)? {
            let array = reader.cache.pointer(chunk)?;
            self.array_data(reader, array.offset(ARRAY_DATA), 0)?;
        }
        Ok(())
    }

    /// The `ArrayData` behind a counted pointer, with its children and its dictionary.
    fn array_data<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        at: RemoteAddress,
        depth: usize,
    ) -> Result<(), Fault> {
        let data = Shared::read(reader, at)?;
        let is_new = data.counts("9ArrayDataE") && self.seen.insert(data.target);
        if !is_new || depth == MAX_DEPTH {
            return Ok(());
        }
        for buffer in vector(reader, data.target.offset(BUFFERS), Shared::SIZE)? {
            self.buffer(reader, buffer)?;
        }
        for child in vector(reader, data.target.offset(CHILD_DATA), Shared::SIZE)? {
            self.array_data(reader, child, depth + 1)?;
        }
        self.array_data(reader, data.target.offset(DICTIONARY), depth + 1)
    }

    fn buffer<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        at: RemoteAddress,
    ) -> Result<(), Fault> {
        let buffer = reader.cache.pointer(at)?;
        if is_buffer(reader, buffer) {
            self.push(buffer);
        }
        Ok(())
    }

    fn push(&mut self, buffer: RemoteAddress) {
        if self.seen.insert(buffer) {
            self.found.push(buffer);
        }
    }
}

fn is_buffer<M: Memory>(reader: &mut Reader<'_, M>, at: RemoteAddress) -> bool {
    let class = class_of(reader, at);
    class.is_some_and(|name| name.starts_with("N5arrow") && name.ends_with("BufferE"))
}

/// Where the memory of a buffer comes from.
enum Origin {
    /// A pool of Arrow's.
    Pool(SharedBlock),
    /// A Python object, which has it.
    Object(RemoteAddress),
    /// A file, a device, or what some other library gave.
    Elsewhere,
    /// It can't be told.
    Unknown,
}

fn origin<M: Memory>(reader: &mut Reader<'_, M>, buffer: RemoteAddress) -> Result<Origin, Fault> {
    let Some((buffer, end)) = whole(reader, buffer)? else {
        return Ok(Origin::Unknown);
    };
    let class = class_of(reader, buffer);
    let class = class.as_deref().unwrap_or_default();
    Ok(if class.contains("10PoolBuffer") {
        let bytes = reader.cache.u64(buffer.offset(CAPACITY))?;
        let address = reader.cache.pointer(buffer.offset(DATA))?;
        if address.is_null() {
            Origin::Elsewhere
        } else if bytes > reader.memory_bytes {
            Origin::Unknown
        } else {
            Origin::Pool(SharedBlock { address, bytes })
        }
    } else if class.contains("2py8PyBufferE") {
        // A `Py_buffer`: `buf`, then `obj`.
        Origin::Object(reader.cache.pointer(buffer.offset(end + 8))?)
    } else if class.contains("2py11NumPyBufferE") || class.contains("2py15PyForeignBufferE") {
        Origin::Object(reader.cache.pointer(buffer.offset(end))?)
    } else {
        Origin::Elsewhere
    })
}

/// The buffer that a slice is a part of, a slice of slices included, with where the class
/// `arrow::Buffer` ends in it; `None` when it is laid out in no way that is known.
fn whole<M: Memory>(
    reader: &mut Reader<'_, M>,
    buffer: RemoteAddress,
) -> Result<Option<(RemoteAddress, u64)>, Fault> {
    let mut at = buffer;
    for _ in 0..MAX_PARENTS {
        let Some(parent) = parent_place(reader, at)? else {
            return Ok(None);
        };
        let above = reader.cache.pointer(at.offset(parent))?;
        if above.is_null() {
            return Ok(Some((at, parent + END)));
        }
        if !is_buffer(reader, above) {
            return Ok(None);
        }
        at = above;
    }
    Ok(None)
}

/// Where `parent_` is: before a pointer to a `MemoryManager`.
fn parent_place<M: Memory>(
    reader: &mut Reader<'_, M>,
    buffer: RemoteAddress,
) -> Result<Option<u64>, Fault> {
    for place in PARENTS {
        let manager = reader.cache.pointer(buffer.offset(place + MANAGER))?;
        // Not the block that counts it, whose name has that class in it.
        let class = class_of(reader, manager);
        if class.is_some_and(|name| name.starts_with("N5arrow") && name.ends_with("ManagerE")) {
            return Ok(Some(place));
        }
    }
    Ok(None)
}
