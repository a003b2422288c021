//! `decimal`: the module's state points to tables of its signals and conditions (3.13).

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The most signals that are believed; there are nine.
const MAX_SIGNALS: u64 = 64;

pub(in crate::decode) fn signals<M: Memory>(
    reader: &mut Reader<'_, M>,
    state: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = &reader.layout.structs;
    let (Some(module), Some(signal)) = (&structs.decimal_state, &structs.dec_cond_map) else {
        return Ok(());
    };
    for table in [module.signal_map, module.cond_map] {
        let table = reader.cache.pointer(state.offset(table))?;
        if table.is_null() {
            continue;
        }
        for i in 0..MAX_SIGNALS {
            let at = table.offset(i * signal.size);
            // The last entry has no name.
            if reader.cache.pointer(at.offset(signal.fqname))?.is_null() {
                break;
            }
            let class = reader.cache.pointer(at.offset(signal.ex))?;
            sink.own(class, Step::Numbered(i as usize));
        }
    }
    Ok(())
}
