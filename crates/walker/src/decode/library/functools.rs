//! `functools.lru_cache`: its entries form a list, which owns them beside the dictionary.

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

pub(in crate::decode) fn lru_cache<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let entry = &reader.layout.structs.lru_list_elem;
    let (next, words) = (entry.next, entry.size / 8);
    let root = object.offset(reader.layout.structs.lru_cache_object.root);
    let mut link = reader.cache.pointer(root.offset(next))?;
    // A cache without a bound has no list: its root is empty.
    while link != root && !link.is_null() {
        reader.spend(link, words)?;
        sink.own(link, Step::Interior(reader.names.root));
        link = reader.cache.pointer(link.offset(next))?;
    }
    Ok(())
}
