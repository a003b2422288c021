use crate::decode::dict::Table;
use crate::reader::Reader;
use crate::text;
use exuvia_cpython::type_flags;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// A class in Python that every interpreter makes first: importlib's code is Python, compiled
/// into the program.
const CLASS: &str = "ModuleSpec";

/// The address of `subtype_traverse`, which is the `tp_traverse` of every class that Python
/// code makes; null where it is not found. It has no symbol in a stripped program.
pub(crate) fn subtype_traverse<M: Memory>(
    reader: &mut Reader<'_, M>,
    interpreter: RemoteAddress,
) -> RemoteAddress {
    let class = reader.quietly(|reader| find(reader, interpreter));
    class.unwrap_or(RemoteAddress::NULL)
}

fn find<M: Memory>(
    reader: &mut Reader<'_, M>,
    interpreter: RemoteAddress,
) -> Result<RemoteAddress, Fault> {
    let structs = &reader.layout.structs;
    let (md_dict, t) = (structs.py_module_object.md_dict, &structs.py_type_object);
    let importlib = structs.py_interpreter_state.importlib;
    let importlib = reader.cache.pointer(interpreter.offset(importlib))?;
    let dict = reader.cache.pointer(importlib.offset(md_dict))?;
    let Some(table) = Table::read(reader, dict)? else {
        return Ok(RemoteAddress::NULL);
    };
    let mut class = RemoteAddress::NULL;
    table.entries(reader, |reader, key, value| {
        if class.is_null()
            && matches!(text::read(reader, key, 100), Ok(Some(name)) if name == CLASS)
        {
            class = value;
        }
    })?;
    if class.is_null() || reader.cache.u64(class.offset(t.tp_flags))? & type_flags::HEAPTYPE == 0 {
        return Ok(RemoteAddress::NULL);
    }
    reader.cache.pointer(class.offset(t.tp_traverse))
}
