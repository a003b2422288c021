//! `decimal`: the module's state points to tables of its signals and conditions (3.13).

use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
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
    let mut first_signal = RemoteAddress::NULL;
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
            // The first condition is the first signal, whose entry owns the class.
            let hold = if class == first_signal {
                Hold::Borrowed
            } else {
                Hold::Owned
            };
            sink.refer(class, Step::Numbered(i as usize), hold);
            if first_signal.is_null() {
                first_signal = class;
            }
        }
    }
    Ok(())
}
