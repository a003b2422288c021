//! Static variables of C code: the places in the writable data of the program and its
//! libraries from which objects are held that nothing else leads to.
//!
//! No table says which words of that memory are variables and which of them own what they
//! point to, so that such a place makes nothing alive: it leads to objects that no
//! reference does, and it names the holder of what the reference counts say is held.

use crate::decode::dict::Table;
use crate::extent;
use crate::marks::Marks;
use crate::reader::{Reader, pointer_in};
use crate::roots::RootAddress;
use crate::runtime::Interpreter;
use crate::text;
use crate::types::Family;
use exuvia_memory::{Memory, RemoteAddress};
use exuvia_snapshot::RootCategory;
use std::ops::Range;

/// Bytes that are read at once; what can't be read is passed over in such steps.
const STEP: u64 = 4096;
/// An interpreter interns more strings than this before it runs anything.
const INTERNED: usize = 100;
/// The most variables that are kept.
const MAX_VARIABLES: usize = 1 << 20;

/// Writable data of one image.
#[derive(Debug, Clone)]
pub struct StaticData {
    /// Where it lies.
    pub range: Range<u64>,
    /// The name of the file.
    pub image: String,
    /// The address that the offsets of the file's symbols count from.
    pub base: u64,
}

/// Every word of static data that leads to an object, and lies in no object and in no state of
/// the interpreter, whose pointers are known.
pub(crate) fn find<M: Memory>(
    reader: &mut Reader<'_, M>,
    runtime: RemoteAddress,
    interpreters: &[Interpreter],
    data: &[StaticData],
    images: &[Range<u64>],
    marks: &Marks,
) -> Vec<RootAddress> {
    let mut found = Vec::new();
    let structs = &reader.layout.structs;
    let runtime_size = structs.py_runtime_state.size;
    let interpreter_size = structs.py_interpreter_state.size;
    let range = |start: RemoteAddress, size| start.get()..start.get().saturating_add(size);
    let mut states = vec![range(runtime, runtime_size)];
    states.extend(
        interpreters
            .iter()
            .map(|one| range(one.address, interpreter_size)),
    );
    for part in data {
        let known = objects_in(reader, &part.range, marks);
        let mut at = part.range.start.next_multiple_of(8);
        while at < part.range.end && found.len() < MAX_VARIABLES {
            let length = STEP.min(part.range.end - at);
            let mut bytes = [0; STEP as usize];
            let bytes = &mut bytes[..length as usize];
            if reader
                .cache
                .read_exact(RemoteAddress::new(at), bytes)
                .is_ok()
            {
                for offset in (0..length).step_by(8) {
                    let target = pointer_in(bytes, offset);
                    if marks.is_plausible(target)
                        && !states.iter().any(|state| state.contains(&(at + offset)))
                        && !is_in(&known, at + offset)
                        && is_object(reader, target, images, marks)
                        && !is_interned(reader, target)
                    {
                        let place = (at + offset).wrapping_sub(part.base);
                        found.push(RootAddress {
                            name: format!("static['{}'+{place:#x}]", part.image),
                            target,
                            category: RootCategory::Variable,
                            owned: false,
                            owner: 0,
                        });
                    }
                }
            }
            at += length;
        }
    }
    found
}

/// Whether what lies at an address is an object in use.
fn is_object<M: Memory>(
    reader: &mut Reader<'_, M>,
    target: RemoteAddress,
    images: &[Range<u64>],
    marks: &Marks,
) -> bool {
    if marks.contains(target) {
        return true;
    }
    // A static object that nothing leads to is none of interest.
    if is_in(images, target.get()) {
        return false;
    }
    // Where a program is mapped low, the address with which a freed block or a struct of C
    // code begins could be a count.
    let count = reader.refcount_word(target).map(RemoteAddress::new);
    if !count.is_ok_and(|count| !marks.is_plausible(count)) || !reader.looks_like_object(target) {
        return false;
    }
    // The collector tracks all objects that it knows to take apart, except those that it found
    // to hold nothing of interest: another one that is in no list has ended.
    match reader.type_of(target) {
        // The type of an object that lives is reached in other ways too.
        Some(info) if !marks.contains(info.address) => false,
        Some(info) if info.family == Family::Str => {
            matches!(reader.quietly(|r| text::read(r, target, 1)), Ok(Some(_)))
        }
        Some(info) => {
            !info.has_gc() || matches!(info.family, Family::Tuple | Family::Dict | Family::Type)
        }
        None => false,
    }
}

/// Whether it is the dictionary of interned strings, which up to 3.11 a static variable holds:
/// the strings are its keys and its values, but it does not keep them alive.
fn is_interned<M: Memory>(reader: &mut Reader<'_, M>, target: RemoteAddress) -> bool {
    if !matches!(reader.type_of(target), Some(info) if info.family == Family::Dict) {
        return false;
    }
    let table = reader.quietly(|reader| Table::read(reader, target));
    let (mut entries, mut alike) = (0, 0);
    if let Ok(Some(table)) = table {
        // What can't be read is no entry.
        let _ = reader.quietly(|reader| {
            table.entries(reader, |_, key, value| {
                entries += 1;
                alike += usize::from(key == value);
            })
        });
    }
    entries >= INTERNED && entries == alike
}

/// Where the objects that are known lie in static data.
fn objects_in<M: Memory>(
    reader: &mut Reader<'_, M>,
    range: &Range<u64>,
    marks: &Marks,
) -> Vec<Range<u64>> {
    let type_size = reader.layout.structs.py_type_object.size;
    marks
        .marked_in(range)
        .map(|object| {
            let size = match reader.type_of(object) {
                Some(info) if info.family == Family::Type => type_size,
                Some(info) => {
                    let extent = reader.quietly(|r| extent::of(r, object, &info, true));
                    extent.map_or(0, |extent| extent.size)
                }
                None => 0,
            };
            object.get()..object.get().saturating_add(size)
        })
        .collect()
}

/// Whether an address lies in one of some sorted ranges.
fn is_in(ranges: &[Range<u64>], address: u64) -> bool {
    let after = ranges.partition_point(|range| range.end <= address);
    ranges
        .get(after)
        .is_some_and(|range| range.contains(&address))
}
