//! Contents of strings and numbers, as far as they are wanted.

use crate::number;
use crate::reader::Reader;
use crate::text::Text;
use crate::types::{Family, TypeInfo};
use exuvia_memory::{Fault, Memory, RemoteAddress};
use exuvia_snapshot::{ObjectId, ValueForm, Values, ValuesKept};

/// Characters or bytes kept of each value with [`ValuesKept::Short`].
const SHORT: usize = 100;
/// The most kept of one value in any case.
const FULL: usize = 1 << 26;

/// Reads values up to a limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ValueReader {
    limit: usize,
}

impl ValueReader {
    /// Which values to read; nothing at all for [`ValuesKept::None`], whose names are read
    /// afterwards, when it is known what is a name.
    pub(crate) fn new(kept: ValuesKept) -> Self {
        let limit = match kept {
            ValuesKept::None => 0,
            ValuesKept::Short => SHORT,
            ValuesKept::Full => FULL,
        };
        Self { limit }
    }

    /// Reads names: strings of which more than other values may be kept.
    pub(crate) fn of_names() -> Self {
        Self { limit: 10 * SHORT }
    }

    /// Keeps the value of an object, if it has one, and says in which form.
    pub(crate) fn keep<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        id: ObjectId,
        info: &TypeInfo,
        values: &mut Values,
    ) -> Option<ValueForm> {
        if self.limit == 0 {
            return None;
        }
        // What can't be read is kept as nothing; the trouble was counted before.
        let (form, bytes) = self.read(reader, object, info).ok()??;
        values.push(id, form, &bytes);
        Some(form)
    }

    fn read<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        info: &TypeInfo,
    ) -> Result<Option<(ValueForm, Vec<u8>)>, Fault> {
        let structs = &reader.layout.structs;
        Ok(match info.family {
            Family::Str => self.text(reader, object)?,
            Family::Bytes => {
                let b = &structs.py_bytes_object;
                let (ob_size, ob_sval) = (b.ob_size, b.ob_sval);
                let length = reader.cache.u64(object.offset(ob_size))?;
                Some(self.bytes(reader, object.offset(ob_sval), length)?)
            }
            Family::ByteArray => {
                let b = &structs.py_byte_array_object;
                let (ob_size, ob_start) = (b.ob_size, b.ob_start);
                let length = reader.cache.u64(object.offset(ob_size))?;
                let start = reader.cache.pointer(object.offset(ob_start))?;
                Some(self.bytes(reader, start, length)?)
            }
            Family::Int if info.tp_name == "bool" => {
                let is_true = number::digit_count(reader, object)? != 0;
                let text = if is_true { "True" } else { "False" };
                Some((ValueForm::Repr, text.into()))
            }
            Family::Int => {
                number::int_repr(reader, object)?.map(|text| (ValueForm::Repr, text.into_bytes()))
            }
            Family::Plain if info.tp_name == "float" => {
                let text = number::float_repr(reader, object)?;
                Some((ValueForm::Repr, text.into_bytes()))
            }
            Family::Plain if info.tp_name == "NoneType" => {
                Some((ValueForm::Repr, b"None".to_vec()))
            }
            Family::Plain if info.tp_name == "ellipsis" => {
                Some((ValueForm::Repr, b"Ellipsis".to_vec()))
            }
            // A code object is told from others of its name by where it begins.
            Family::Code => {
                let line = structs.py_code_object.co_firstlineno;
                let line = reader.cache.u32(object.offset(line))?;
                Some((ValueForm::Repr, format!("line {line}").into_bytes()))
            }
            _ => None,
        })
    }

    fn text<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
    ) -> Result<Option<(ValueForm, Vec<u8>)>, Fault> {
        let Some(text) = Text::head(reader, object)? else {
            return Ok(None);
        };
        let mut out = String::new();
        text.start(reader, self.limit, &mut out)?;
        let form = if text.length as usize > self.limit {
            ValueForm::TextStart
        } else {
            ValueForm::Text
        };
        Ok(Some((form, out.into_bytes())))
    }

    fn bytes<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        start: RemoteAddress,
        length: u64,
    ) -> Result<(ValueForm, Vec<u8>), Fault> {
        let kept = length.min(self.limit as u64) as usize;
        let form = if length as usize > self.limit {
            ValueForm::BytesStart
        } else {
            ValueForm::Bytes
        };
        reader.spend(start, kept.div_ceil(8) as u64)?;
        Ok((form, reader.cache.bytes(start, kept)?))
    }
}
