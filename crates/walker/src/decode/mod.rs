//! From an object to its references: fixed fields from the tables, then what varies by
//! family, then the attributes of the instance. One file per family.

pub(crate) mod code;
pub(crate) mod deque;
pub(crate) mod dict;
pub(crate) mod extension;
pub(crate) mod frame;
mod frame_object;
mod generator;
mod hamt;
pub(crate) mod instance;
mod library;
pub(crate) mod module;
mod ordered_dict;
pub(crate) mod scan;
mod sequence;
pub(crate) mod set;
pub(crate) mod type_object;
mod variables;

use crate::reader::{Reader, pointer_in};
use crate::sink::{Sink, Step};
use crate::types::{Family, TypeInfo};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// How much of an object is read at once for its fields.
const HEAD: usize = 512;

/// Hands the references of the object at an address to the sink.
///
/// When part of the object can't be read, what came before the fault has been handed over.
pub(crate) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    // The named items of a structseq are items of a tuple, with more behind its end.
    let first_field = match info.family {
        Family::Tuple if !info.fields.is_empty() => sequence::tuple_end(reader, object)?,
        _ => 0,
    };
    if info
        .fields
        .last()
        .is_some_and(|field| field.offset >= first_field)
    {
        fields(reader, object, info, first_field, sink)?;
    }
    match info.family {
        Family::Tuple => sequence::tuple(reader, object, sink)?,
        Family::List => sequence::list(reader, object, sink)?,
        Family::Dict | Family::StgDict => dict::references(reader, object, sink)?,
        Family::OrderedDict => ordered_dict::references(reader, object, sink)?,
        Family::Set => set::references(reader, object, sink)?,
        Family::Deque => deque::references(reader, object, sink)?,
        Family::Type => type_object::references(reader, object, info, sink)?,
        Family::Code => code::references(reader, object, sink)?,
        Family::Frame => frame::references(reader, object, sink)?,
        Family::Generator => generator::references(reader, object, sink)?,
        Family::HamtArray => hamt::array(reader, object, sink)?,
        Family::HamtBitmap => hamt::bitmap(reader, object, sink)?,
        Family::HamtCollision => hamt::collision(reader, object, sink)?,
        Family::Module => module::references(reader, object, sink)?,
        Family::Element => library::elementtree::element(reader, object, sink)?,
        Family::ElementIterator => library::elementtree::iterator(reader, object, sink)?,
        Family::Pickler => library::pickle::pickler(reader, object, info, sink)?,
        Family::Unpickler => library::pickle::unpickler(reader, object, info, sink)?,
        Family::TeeData => library::itertools::tee_data(reader, object, sink)?,
        Family::LruCache => library::functools::lru_cache(reader, object, sink)?,
        Family::XmlParser => library::expat::references(reader, object, info, sink)?,
        Family::SqliteConnection => library::sqlite::connection(reader, object, sink)?,
        Family::SimpleQueue => library::queue::references(reader, object, sink)?,
        Family::Template => library::re::template(reader, object, sink)?,
        Family::ZoneInfo => library::zoneinfo::references(reader, object, sink)?,
        Family::Plain
        | Family::Int
        | Family::Str
        | Family::Bytes
        | Family::ByteArray
        | Family::Array
        | Family::BytesIo
        | Family::StringIo
        | Family::Buffered
        | Family::Decimal
        | Family::Struct
        | Family::MemoryView
        | Family::Product
        | Family::Combinations
        | Family::CombinationsWithReplacement
        | Family::Permutations => {}
    }
    if let Some(extension) = info.extension {
        extension.references(reader, object, sink)?;
    }
    if info.scan && !(info.native.is_some() && reader.native.covers(object)) {
        scan::references(reader, object, info, sink)?;
    }
    instance::references(reader, object, info, sink)?;
    if info.is_heap_type() {
        sink.own(info.address, Step::Interior(reader.names.ob_type));
    }
    Ok(())
}

/// Hands over what [`references`] leaves to an object's own code, when that could not tell:
/// where its words, or those of a module's state, lead.
pub(crate) fn unasked<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    if info.scan {
        scan::references(reader, object, info, sink)?;
    }
    match info.family {
        Family::Module => module::unknown_state(reader, object, sink),
        _ => Ok(()),
    }
}

fn fields<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
    first: u64,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let fields = &info.fields[info.fields.partition_point(|field| field.offset < first)..];
    if info.fields_end > HEAD || info.has_guards {
        for field in fields {
            let is_there = match field.guard {
                Some(guard) => reader.cache.u8(object.offset(guard))? != 0,
                None => true,
            };
            if is_there {
                let target = reader.cache.pointer(object.offset(field.offset))?;
                sink.refer(target, field.step, field.hold);
            }
        }
        return Ok(());
    }
    let mut head = [0; HEAD];
    let head = &mut head[..info.fields_end];
    reader.cache.read_exact(object, head)?;
    for field in fields {
        sink.refer(pointer_in(head, field.offset), field.step, field.hold);
    }
    Ok(())
}
