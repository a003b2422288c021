//! PyTorch: a tensor leads to a `TensorImpl`, that to a `StorageImpl`, which has the bytes;
//! views share it. It counts once, for the first tensor or storage that uses it. What lies
//! on a device does not count: it is not memory of the process.
//!
//! Facts: `THPVariable` and `THPStorage` of `torch/csrc`, `c10/core/TensorImpl.h` and
//! `StorageImpl.h`, 1.13 to 2.6. Classes are told by their names in the library, and where
//! in them the fields are by the place of the first pointer behind the counts.

use super::cpp::class_of;
use super::{CType, Decode, Extension, SharedBlock, Taken};
use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Words of a Python object in which the pointer to C++ is: behind a word that says whether
/// it is borrowed, where there is one.
const POINTERS: [u64; 2] = [8, 0];
/// Where the reference counts of an `intrusive_ptr_target` end: two of 32 bits, or, before
/// 2.5, of 64.
const COUNTS_END: [u64; 2] = [16, 24];
/// Fields of a `StorageImpl` behind the counts: `data_ptr_`, which is the data, the function
/// that frees it, and its argument; the device; the size.
const DATA: u64 = 0;
const DELETER: u64 = 8;
const CONTEXT: u64 = 16;
const DEVICE: u64 = 24;
const SIZE_BYTES: u64 = 32;
/// `c10::DeviceType::CPU`.
const CPU: u8 = 0;
/// Words of the argument of the function that frees memory of Python objects.
const CONTEXT_WORDS: usize = 4;
/// `AutogradMeta`: behind `name_`.
const GRAD: u64 = 40;
/// Words of a `TensorImpl` in which its Python object is.
const TENSOR_WORDS: u64 = 16;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Torch {
    head: u64,
}

impl Decode for Torch {
    fn is_for(tp_name: &str) -> bool {
        matches!(
            tp_name,
            "torch._C.TensorBase"
                | "torch._C._TensorBase"
                | "torch._C.StorageBase"
                | "torch._C.UntypedStorageBase"
        )
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let decoder = Self { head: tp.head };
        Ok(Taken::more(decoder, Vec::new()).filter(|_| tp.basicsize >= tp.head + 16))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let Some(found) = self.implementation(reader, object)? else {
            return Ok(());
        };
        if let Some(storage) = found.storage {
            storage.lender(reader, sink)?;
        }
        if let Some(grad) = found.grad {
            let python = python_object(reader, grad)?;
            // The lowest bit says that the tensor of C++ owns its Python object.
            let owns = python.get() & 1 != 0;
            let python = RemoteAddress::new(python.get() & !1);
            let hold = if owns { Hold::Owned } else { Hold::Borrowed };
            let step = Step::Attribute(reader.intern("grad"));
            sink.refer_by_word(reader, python, step, hold);
        }
        Ok(())
    }

    fn shared<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        each: &mut dyn FnMut(SharedBlock),
    ) -> Result<(), Fault> {
        let Some(found) = self.implementation(reader, object)? else {
            return Ok(());
        };
        // A gradient that Python has seen counts for itself.
        let grad = match found.grad {
            Some(grad) if python_object(reader, grad)?.is_null() => storage_of(reader, grad)?,
            _ => None,
        };
        for storage in [found.storage, grad].into_iter().flatten() {
            match storage.block(reader)? {
                Bytes::Own(block) => each(block),
                Bytes::NotHere => {}
                Bytes::Unknown => {
                    reader
                        .diagnostics
                        .count(Trouble::UnknownNativeMemory, object);
                }
            }
        }
        Ok(())
    }
}

/// What a Python object of PyTorch stands for.
struct Implementation {
    storage: Option<Storage>,
    /// The `TensorImpl` of its gradient.
    grad: Option<RemoteAddress>,
}

impl Torch {
    fn implementation<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
    ) -> Result<Option<Implementation>, Fault> {
        for at in POINTERS {
            let found = reader.cache.pointer(object.offset(self.head + at))?;
            if is_a(reader, found, "TensorImplE") {
                return Ok(Some(Implementation {
                    storage: storage_of(reader, found)?,
                    grad: grad_of(reader, found)?,
                }));
            }
            if is_a(reader, found, "N3c1011StorageImplE") {
                // A storage has no pointer to another whose place would tell.
                let storage = COUNTS_END.map(|start| Storage { at: found, start });
                let storage = storage.into_iter().find(|one| one.is_plausible(reader));
                return Ok(Some(Implementation {
                    storage,
                    grad: None,
                }));
            }
        }
        Ok(None)
    }
}

fn is_a<M: Memory>(reader: &mut Reader<'_, M>, at: RemoteAddress, class: &str) -> bool {
    class_of(reader, at).is_some_and(|name| name.ends_with(class))
}

/// The storage of a `TensorImpl`: the first pointer behind the counts.
fn storage_of<M: Memory>(
    reader: &mut Reader<'_, M>,
    tensor: RemoteAddress,
) -> Result<Option<Storage>, Fault> {
    for start in COUNTS_END {
        let at = reader.cache.pointer(tensor.offset(start))?;
        if is_a(reader, at, "N3c1011StorageImplE") {
            return Ok(Some(Storage { at, start }));
        }
    }
    Ok(None)
}

/// The `TensorImpl` of a tensor's gradient: behind the storage comes `autograd_meta_`.
fn grad_of<M: Memory>(
    reader: &mut Reader<'_, M>,
    tensor: RemoteAddress,
) -> Result<Option<RemoteAddress>, Fault> {
    for start in COUNTS_END {
        let meta = reader.cache.pointer(tensor.offset(start + 8))?;
        if is_a(reader, meta, "AutogradMetaE") {
            let grad = reader.cache.pointer(meta.offset(GRAD))?;
            return Ok(Some(grad).filter(|&grad| is_a(reader, grad, "TensorImplE")));
        }
    }
    Ok(None)
}

/// The Python object of a `TensorImpl`, with the bit that says who owns whom; null when
/// there is none. Its class is that of a tensor, and it leads back.
fn python_object<M: Memory>(
    reader: &mut Reader<'_, M>,
    tensor: RemoteAddress,
) -> Result<RemoteAddress, Fault> {
    for word in 2..TENSOR_WORDS {
        let tagged = reader.cache.pointer(tensor.offset(8 * word))?;
        let object = RemoteAddress::new(tagged.get() & !1);
        if object.is_null() || !reader.looks_like_object(object) {
            continue;
        }
        let extension = reader.type_of(object).and_then(|info| info.extension);
        if let Some(Extension::Torch(torch)) = extension {
            let mut back = POINTERS
                .map(|at| object.offset(torch.head + at))
                .into_iter();
            if back.any(|at| reader.cache.pointer(at) == Ok(tensor)) {
                return Ok(tagged);
            }
        }
    }
    Ok(RemoteAddress::NULL)
}

/// A `StorageImpl`, and where its fields begin.
#[derive(Clone, Copy)]
struct Storage {
    at: RemoteAddress,
    start: u64,
}

/// Where the bytes of a storage are.
enum Bytes {
    /// In memory that it frees itself.
    Own(SharedBlock),
    /// In memory of something else, on a device, or nowhere.
    NotHere,
    /// It can't be told.
    Unknown,
}

impl Storage {
    fn field(self, offset: u64) -> RemoteAddress {
        self.at.offset(self.start + offset)
    }

    /// Whether the fields can begin there.
    fn is_plausible<M: Memory>(self, reader: &mut Reader<'_, M>) -> bool {
        let deleter = reader.cache.pointer(self.field(DELETER));
        let device = reader.cache.u8(self.field(DEVICE));
        let size = reader.cache.u64(self.field(SIZE_BYTES));
        deleter.is_ok_and(|at| at.is_null() || reader.is_in_image(at))
            && device.is_ok_and(|device| device < 64)
            && size.is_ok_and(|size| size < 1 << 48)
    }

    fn block<M: Memory>(self, reader: &mut Reader<'_, M>) -> Result<Bytes, Fault> {
        if !self.is_plausible(reader) {
            return Ok(Bytes::Unknown);
        }
        let address = reader.cache.pointer(self.field(DATA))?;
        let context = reader.cache.pointer(self.field(CONTEXT))?;
        let device = reader.cache.u8(self.field(DEVICE))?;
        let bytes = reader.cache.u64(self.field(SIZE_BYTES))?;
        // Where the argument is not the data itself, it says whose the data is.
        if address.is_null() || device != CPU || context != address {
            return Ok(Bytes::NotHere);
        }
        if bytes > reader.memory_bytes {
            return Ok(Bytes::Unknown);
        }
        Ok(Bytes::Own(SharedBlock { address, bytes }))
    }

    /// The Python object whose memory a storage uses, such as an array of numpy: a function
    /// that frees it has it among what it captured.
    fn lender<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        let address = reader.cache.pointer(self.field(DATA))?;
        let context = reader.cache.pointer(self.field(CONTEXT))?;
        if context.is_null() || context == address || !self.is_plausible(reader) {
            return Ok(());
        }
        let step = Step::Interior(reader.intern("data"));
        reader.pointers(context, CONTEXT_WORDS, |reader, _, word| {
            sink.refer_by_word(reader, word, step, Hold::Owned);
        })
    }
}
