//! Objects of C++: which class one is of, and the containers of its standard library.
//!
//! An object with virtual functions begins with the address of their table, before which
//! stands the address of a `type_info` with the name of the class as the compiler writes it.
//! That name says for certain what lies there, whatever the version of the library; the ABI
//! is the Itanium one, which all compilers on Linux have.

use crate::reader::Reader;
use exuvia_memory::{Fault, Memory, RemoteAddress};
use std::rc::Rc;

/// Longer names of classes are cut.
const NAME_LIMIT: usize = 512;
/// The largest vector that is believed: tables have thousands of columns.
const MAX_VECTOR: u64 = 1 << 24;

/// The class of the object at an address, as the compiler writes its name:
/// `N5arrow10PoolBufferE`. `None` when no object with virtual functions lies there.
pub(super) fn class_of<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Option<Rc<str>> {
    if object.is_null() || !object.is_aligned(8) {
        return None;
    }
    let table = reader.cache.pointer(object).ok()?;
    if let Some(known) = reader.cpp_classes.get(&table) {
        return known.clone();
    }
    let name = class_of_table(reader, table);
    reader.cpp_classes.insert(table, name.clone());
    name
}

fn class_of_table<M: Memory>(reader: &mut Reader<'_, M>, table: RemoteAddress) -> Option<Rc<str>> {
    let in_image =
        |reader: &Reader<'_, M>, at: RemoteAddress| at.is_aligned(8) && reader.is_in_image(at);
    if table.get() < 8 || !in_image(reader, table) {
        return None;
    }
    let type_info = reader.cache.pointer(table.before(8)).ok()?;
    if !in_image(reader, type_info) {
        return None;
    }
    let name = reader.cache.pointer(type_info.offset(8)).ok()?;
    if !reader.is_in_image(name) {
        return None;
    }
    let name = reader.cache.c_string(name, NAME_LIMIT).ok()?;
    // A star stands before names that only one library knows.
    let name = name.strip_prefix('*').unwrap_or(&name);
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then(|| Rc::from(name))
}

/// A `std::shared_ptr`: what it leads to, and the class of the block that counts, whose name
/// has that of what is counted.
pub(super) struct Shared {
    pub(super) target: RemoteAddress,
    pub(super) counter: Option<Rc<str>>,
}

impl Shared {
    pub(super) const SIZE: u64 = 16;

    pub(super) fn read<M: Memory>(
        reader: &mut Reader<'_, M>,
        at: RemoteAddress,
    ) -> Result<Self, Fault> {
        let target = reader.cache.pointer(at)?;
        let counter = reader.cache.pointer(at.offset(8))?;
        Ok(Self {
            target,
            counter: class_of(reader, counter),
        })
    }

    /// Whether it counts objects of a class, by the end of its name: `12ChunkedArrayE`.
    pub(super) fn counts(&self, class: &str) -> bool {
        self.counter
            .as_deref()
            .is_some_and(|name| name.contains(class))
    }
}

/// The places of the items of a `std::vector`; none when it can't be one.
pub(super) fn vector<M: Memory>(
    reader: &mut Reader<'_, M>,
    at: RemoteAddress,
    item: u64,
) -> Result<impl Iterator<Item = RemoteAddress> + use<M>, Fault> {
    let begin = reader.cache.pointer(at)?;
    let end = reader.cache.pointer(at.offset(8))?;
    let capacity = reader.cache.pointer(at.offset(16))?;
    let bytes = end.get().saturating_sub(begin.get());
    let is_vector =
        begin <= end && end <= capacity && bytes.is_multiple_of(item) && bytes / item <= MAX_VECTOR;
    let count = if is_vector { bytes / item } else { 0 };
    reader.spend(begin, count * item / 8)?;
    Ok((0..count).map(move |i| begin.offset(i * item)))
}
