//! What the structs of a build with an interpreter lock look like without one.
//!
//! No distribution ships a free-threaded build, but its headers come with every other one: a
//! macro chooses. What headers define is read from the DWARF of a file that does nothing but
//! include them. What only the sources define is computed: each field of the other build's
//! DWARF is laid out again, in order, by C's rules, with the sizes that its type has in the
//! headers. A struct whose own layout these rules do not give is left out, and its type is
//! then as unknown to the walker as an extension's; so is one, at run time, whose size is not
//! what the interpreter says that it is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use anyhow::{Result, bail};

use super::dwarf::{Bits, Image, Record, Type, TypeId};

/// Structs within structs; CPython nests fewer.
const MAX_DEPTH: usize = 16;

impl Image {
    /// The types of the free-threaded build of this one's release; `headers` is a file with
    /// the DWARF of everything that its headers define. The second result are the names of
    /// the structs that were left out.
    pub(super) fn free_threaded(mut self, headers: &Path) -> Result<(Self, BTreeSet<String>)> {
        let first = self.files;
        if !self.add_file(headers)? {
            bail!("{} has no DWARF", headers.display());
        }
        let replaced = self.prefer(first);
        let own: Vec<_> = self.types.keys().copied().collect();
        let own = own.into_iter().filter(|id| id.file() < first);
        let own = own.filter(|id| !replaced.contains_key(id));
        let mut rules = Rules {
            image: &self,
            replaced: &replaced,
            sizes: HashMap::new(),
            own_sizes: HashMap::new(),
        };
        let mut moved = Vec::new();
        let mut left_out = HashSet::new();
        for id in own {
            if !matches!(self.types.get(&id), Some(Type::Record(one)) if !one.declaration) {
                continue;
            }
            match rules.record(id, 0) {
                Some(layout) => moved.push((id, layout)),
                None => {
                    left_out.insert(id);
                }
            }
        }
        for (id, layout) in moved {
            if let Some(Type::Record(record)) = self.types.get_mut(&id) {
                layout.apply(record);
            }
        }
        for (old, new) in replaced {
            self.types.insert(old, Type::Alias(Some(new)));
        }
        Ok(self.without(&left_out))
    }

    /// Lets the definitions of the file with this number, and those after it, win over others
    /// of the same name. Returns what takes the place of what.
    fn prefer(&mut self, first: usize) -> HashMap<TypeId, TypeId> {
        let mut replaced = HashMap::new();
        let names = std::mem::take(&mut self.names);
        self.names = names.clone();
        for (name, mut definitions) in names {
            // Headers only declare what is defined in a source file.
            let defined = |id: &TypeId| {
                let id = self.record_id(*id)?;
                matches!(self.types.get(&id), Some(Type::Record(one)) if !one.declaration)
                    .then_some(id)
            };
            let is_new = |(_, id): &(String, TypeId)| id.file() >= first && defined(id).is_some();
            let mut new = definitions.iter().filter(|one| is_new(one));
            let Some(new) = new.find_map(|(_, id)| defined(id)) else {
                continue;
            };
            for (_, id) in definitions.iter().filter(|one| !is_new(one)) {
                replaced.extend(self.record_id(*id).map(|old| (old, new)));
            }
            definitions.retain(is_new);
            self.names.insert(name, definitions);
        }
        replaced
    }

    /// The number of the struct behind typedefs and qualifiers.
    fn record_id(&self, id: TypeId) -> Option<TypeId> {
        let mut id = id;
        for _ in 0..MAX_DEPTH {
            match self.types.get(&id)? {
                Type::Alias(target) => id = (*target)?,
                Type::Record(_) => return Some(id),
                _ => return None,
            }
        }
        None
    }

    /// Forgets the names of some structs, and returns these names.
    fn without(mut self, records: &HashSet<TypeId>) -> (Self, BTreeSet<String>) {
        let names = std::mem::take(&mut self.names);
        let mut forgotten = BTreeSet::new();
        let mut kept = names.clone();
        for (name, definitions) in names {
            let is_gone = |(_, id): &(String, TypeId)| {
                self.record_id(*id).is_some_and(|id| records.contains(&id))
            };
            if definitions.iter().any(is_gone) {
                kept.remove(&name);
                forgotten.insert(name);
            }
        }
        self.names = kept;
        (self, forgotten)
    }
}

/// Where the members of a record lie now.
struct Relayout {
    size: u64,
    align: u64,
    /// In order: the first byte, and the first bit of a bit field.
    places: Vec<(u64, Option<u64>)>,
}

impl Relayout {
    fn apply(self, record: &mut Record) {
        record.size = self.size;
        for (member, (offset, bit)) in record.members.iter_mut().zip(self.places) {
            member.offset = offset;
            if let (Some(bits), Some(first)) = (&mut member.bits, bit) {
                *bits = Bits { first, ..*bits };
            }
        }
    }
}

/// Size and alignment, in bytes.
type Size = (u64, u64);

/// Which sizes to take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    /// Those of the build itself.
    Own,
    /// Those of the headers, and what follows from them.
    Headers,
}

struct Rules<'a> {
    image: &'a Image,
    replaced: &'a HashMap<TypeId, TypeId>,
    /// The records computed so far; `None` where the rules fail, or while they are at work.
    sizes: HashMap<TypeId, Option<Size>>,
    /// The same of the build itself.
    own_sizes: HashMap<TypeId, Option<Size>>,
}

impl Rules<'_> {
    /// The new layout of a record; `None` if the rules do not even give its own.
    fn record(&mut self, id: TypeId, depth: usize) -> Option<Relayout> {
        let Some(Type::Record(record)) = self.image.get(id) else {
            return None;
        };
        let own = self.lay_out(record, With::Own, depth)?;
        let is_own = own.size == record.size
            && record
                .members
                .iter()
                .zip(&own.places)
                .all(|(member, place)| {
                    (member.offset, member.bits.map(|bits| bits.first)) == *place
                });
        if !is_own {
            return None;
        }
        self.lay_out(record, With::Headers, depth)
    }

    fn lay_out(&mut self, record: &Record, with: With, depth: usize) -> Option<Relayout> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (mut end, mut own_end, mut align) = (0, 0, 1);
        let mut size = 0;
        let mut places = Vec::new();
        for member in &record.members {
            let first = if let Some(bits) = member.bits {
                // Within their unit, bit fields keep their distance from what is before them.
                let first = end + bits.first.checked_sub(own_end)?;
                end = first + bits.width;
                own_end = bits.first + bits.width;
                let unit = self.size(member.target, With::Own, depth + 1)?;
                align = align.max(unit.1);
                first
            } else {
                let (bytes, alignment) = self.size(member.target, with, depth + 1)?;
                let own = self.size(member.target, With::Own, depth + 1)?;
                let first = if record.is_union {
                    0
                } else {
                    end.next_multiple_of(alignment * 8)
                };
                end = first + bytes * 8;
                own_end = (member.offset + own.0) * 8;
                align = align.max(alignment);
                first
            };
            size = size.max(end);
            if record.is_union {
                (end, own_end) = (0, 0);
            }
            places.push((first / 8, member.bits.map(|_| first)));
        }
        Some(Relayout {
            size: size.div_ceil(8).next_multiple_of(align),
            align,
            places,
        })
    }

    fn size(&mut self, id: Option<TypeId>, with: With, depth: usize) -> Option<Size> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.image.get(id?)? {
            Type::Pointer(_) => Some((8, 8)),
            Type::Scalar(0) => None,
            Type::Scalar(bytes) => Some((*bytes, (*bytes).min(16))),
            Type::Alias(target) => self.size(*target, with, depth + 1),
            Type::Array { element, length } => {
                let (bytes, align) = self.size(*element, with, depth + 1)?;
                Some((bytes * length.unwrap_or(0), align))
            }
            Type::Record(record) => self.record_size(id?, record, with, depth),
        }
    }

    fn record_size(
        &mut self,
        id: TypeId,
        record: &Record,
        with: With,
        depth: usize,
    ) -> Option<Size> {
        if record.declaration {
            let definition = record.name.as_deref().map(|name| self.image.named(name))?;
            let (_, id) = definition.first()?;
            return self.size(Some(*id), with, depth + 1);
        }
        let new = self.replaced.get(&id).copied();
        match (with, new) {
            // A definition of the headers, or of the build itself, stands as it is.
            (With::Own, _) => {
                if let Some(known) = self.own_sizes.get(&id) {
                    return *known;
                }
                self.own_sizes.insert(id, None);
                let own = self.lay_out(record, With::Own, depth + 1);
                let size = own.map(|own| (record.size, own.align));
                self.own_sizes.insert(id, size);
                size
            }
            (With::Headers, Some(new)) => self.size(Some(new), With::Own, depth + 1),
            (With::Headers, None) => {
                if let Some(known) = self.sizes.get(&id) {
                    return *known;
                }
                self.sizes.insert(id, None);
                let size = self.record(id, depth + 1).map(|one| (one.size, one.align));
                self.sizes.insert(id, size);
                size
            }
        }
    }
}
