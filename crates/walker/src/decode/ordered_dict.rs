//! `collections.OrderedDict`: a dictionary with a linked list of nodes that own the keys
//! once more.

use super::dict;
use crate::diagnostics::Trouble;
use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    dict::references(reader, object, sink)?;
    let ma_used = reader.layout.structs.py_dict_object.ma_used;
    let od_first = reader.layout.structs.py_o_dict_object.od_first;
    let n = &reader.layout.structs.o_dict_node;
    let limit = reader.cache.u64(object.offset(ma_used))?;
    let mut node = reader.cache.pointer(object.offset(od_first))?;
    let mut seen = 0;
    while !node.is_null() {
        // One node for each entry: more means that the list goes round.
        if seen > limit {
            reader.diagnostics.count(Trouble::ImplausibleLength, object);
            break;
        }
        reader.spend(node, n.size / 8)?;
        let key = reader.cache.pointer(node.offset(n.key))?;
        sink.own(key, Step::Interior(reader.names.od_key));
        node = reader.cache.pointer(node.offset(n.next))?;
        seen += 1;
    }
    Ok(())
}
