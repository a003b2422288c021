//! What a type is called.

use crate::reader::Reader;
use crate::text;
use exuvia_cpython::type_flags;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Longer names of types are cut.
const NAME_LIMIT: usize = 512;
/// The most entries of a class's dictionary that are searched for `__module__`.
const MAX_ENTRIES: usize = 1 << 16;

pub(super) struct TypeName {
    pub(super) module: String,
    pub(super) name: String,
    pub(super) tp_name: String,
}

/// Reads the names of the type at an address.
///
/// A type in C carries its module in `tp_name`; a class has it in its dictionary.
pub(super) fn read<M: Memory>(
    reader: &mut Reader<'_, M>,
    address: RemoteAddress,
    flags: u64,
) -> Result<TypeName, Fault> {
    let type_object = &reader.layout.structs.py_type_object;
    let tp_name = reader.cache.pointer(address.offset(type_object.tp_name))?;
    let dict = address.offset(type_object.tp_dict);
    let tp_name = match reader.cache.c_string(tp_name, NAME_LIMIT) {
        // A class has its name in an object as well.
        Err(_) if flags & type_flags::HEAPTYPE != 0 => String::new(),
        tp_name => tp_name?,
    };
    let (module, name) = match tp_name.rsplit_once('.') {
        Some((module, name)) => (module.to_owned(), name.to_owned()),
        None => ("builtins".to_owned(), tp_name.clone()),
    };
    if flags & type_flags::HEAPTYPE == 0 {
        return Ok(TypeName {
            module,
            name,
            tp_name,
        });
    }
    let ht_name = reader.layout.structs.py_heap_type_object.ht_name;
    let ht_name = reader.cache.pointer(address.offset(ht_name))?;
    let ht_name = text::read(reader, ht_name, NAME_LIMIT);
    let dict = reader.cache.pointer(dict)?;
    // A broken part is counted where the class is read as an object.
    let in_dict = reader.quietly(|reader| module_in(reader, dict));
    let name = ht_name.ok().flatten().unwrap_or(name);
    let module = in_dict.ok().flatten().unwrap_or(module);
    Ok(TypeName {
        module,
        name,
        tp_name,
    })
}

/// The text under the key `__module__` in a class's dictionary.
fn module_in<M: Memory>(
    reader: &mut Reader<'_, M>,
    dict: RemoteAddress,
) -> Result<Option<String>, Fault> {
    if dict.is_null() {
        return Ok(None);
    }
    let Some(table) = crate::decode::dict::Table::read(reader, dict)? else {
        return Ok(None);
    };
    let mut found = None;
    let mut seen = 0;
    table.entries(reader, |reader, key, value| {
        seen += 1;
        if found.is_none()
            && seen < MAX_ENTRIES
            && let Ok(Some(key)) = text::read(reader, key, 16)
            && key == "__module__"
        {
            found = text::read(reader, value, NAME_LIMIT).ok().flatten();
        }
    })?;
    Ok(found)
}
