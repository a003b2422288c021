//! Names for what a `tp_traverse` visits, by the getters of the type.
//!
//! A getter in `tp_getset` is a function and no offset, so it is asked: called for a few objects
//! in the copy of the target, it returns an object. Where that is what a certain word of each of
//! them leads to, this word has the name of the getter, in all objects of the type. Getters may
//! change the copy's memory, so that this comes last, when all has been read.

mod apart;
mod asking;
mod evidence;
mod places;
mod samples;
mod table;

pub(crate) use places::{Place, places};

use super::NativeTraverse;
use crate::reader::Reader;
use crate::walk::Progress;
use asking::Asking;
use exuvia_memory::Memory;
use exuvia_snapshot::{Relation, Snapshot};
use samples::Samples;

/// Gives names to references that have none and whose places are known.
pub(crate) fn name<M: Memory>(
    reader: &mut Reader<'_, M>,
    code: &mut dyn NativeTraverse,
    places: &[Place],
    snapshot: &mut Snapshot,
    progress: &dyn Progress,
) {
    let samples = Samples::choose(reader, snapshot, places);
    let mut asking = Asking::plan(reader, &samples);
    if asking.is_empty() {
        return;
    }
    progress.phase("asking getters", Some(asking.len() as u64));
    asking.run(code, &samples, snapshot, progress);
    let names = asking.names(reader);
    for place in places {
        // The nearest base first.
        let tables = samples.tables_of(snapshot, place.object).iter();
        let mut found = tables.filter_map(|&table| names[table].get(&place.word));
        if let Some(&name) = found.next() {
            let reference = place.reference as usize;
            let relation = Relation::Attribute(name);
            snapshot.references.set_relation(reference, relation);
        }
    }
}
