//! `functools.lru_cache`: its entries form a list, which owns them beside the dictionary.

use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The most entries that are believed.
const MAX_ENTRIES: u64 = 1 << 32;

pub(in crate::decode) fn lru_cache<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let next = reader.layout.structs.lru_list_elem.next;
    let root = object.offset(reader.layout.structs.lru_cache_object.root);
    let mut link = reader.cache.pointer(root.offset(next))?;
    let mut seen = 0;
    // A cache without a bound has no list: its root is empty.
    while link != root && !link.is_null() {
        if seen == MAX_ENTRIES {
            reader.diagnostics.count(Trouble::ImplausibleLength, object);
            break;
        }
        sink.own(link, Step::Interior(reader.names.root));
        link = reader.cache.pointer(link.offset(next))?;
        seen += 1;
    }
    Ok(())
}
