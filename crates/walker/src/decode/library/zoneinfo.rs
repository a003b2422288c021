//! `zoneinfo.ZoneInfo`: the offsets and names of a zone's history.

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The most different offsets of a zone that are believed.
const MAX_TTINFOS: u64 = 1 << 16;
/// The most cached zones that are believed; `ZONEINFO_STRONG_CACHE_MAX_SIZE` is 8.
const MAX_CACHED: usize = 1 << 10;

pub(in crate::decode) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = &reader.layout.structs;
    let (Some(zone), Some(info)) = (&structs.zone_info, &structs.tt_info) else {
        return Ok(());
    };
    let infos = reader.cache.pointer(object.offset(zone._ttinfos))?;
    if infos.is_null() {
        return Ok(());
    }
    let count = reader.cache.u64(object.offset(zone.num_ttinfos))?;
    let count = count.min(MAX_TTINFOS);
    reader.spend(infos, count * info.size / 8)?;
    for i in 0..count {
        for offset in [info.utcoff, info.dstoff, info.tzname] {
            let at = infos.offset(i * info.size + offset);
            let target = reader.cache.pointer(at)?;
            sink.own(target, Step::Interior(reader.names.ttinfos));
        }
    }
    Ok(())
}

/// The zones used last: a list in the state of the module, from 3.13 on.
pub(in crate::decode) fn strong_cache<M: Memory>(
    reader: &mut Reader<'_, M>,
    state: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = &reader.layout.structs;
    let (Some(module), Some(node)) = (&structs.zoneinfo_state, &structs.strong_cache_node) else {
        return Ok(());
    };
    let mut at = reader.cache.pointer(state.offset(module.strong_cache))?;
    for place in 0..MAX_CACHED {
        if at.is_null() {
            break;
        }
        let key = reader.cache.pointer(at.offset(node.key))?;
        sink.own(key, Step::Numbered(place));
        let zone = reader.cache.pointer(at.offset(node.zone))?;
        sink.own(zone, Step::Numbered(place));
        at = reader.cache.pointer(at.offset(node.next))?;
    }
    Ok(())
}
