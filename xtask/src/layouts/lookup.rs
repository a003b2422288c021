//! Finding structs and fields by name in the types of a build.

use anyhow::{Result, bail};

use super::dwarf::{Image, Member, Record, Type, TypeId};

/// Aliases that may stand between a name and its struct; more is a loop.
const MAX_ALIASES: usize = 16;

/// A field that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// From the start of the outermost struct, in bytes.
    pub(super) offset: u64,
    /// From the start of the outermost struct, in bits, and how many; bit fields only.
    pub(super) bits: Option<(u64, u64)>,
    pub(super) target: Option<TypeId>,
}

impl Image {
    /// The struct of the first of several names, separated by `|`, that the build has.
    ///
    /// `name @ part/of/file.c` asks for the one that this source file defines.
    pub(super) fn record(&self, names: &str) -> Result<Option<&Record>> {
        for name in names.split('|') {
            if let Some(record) = self.record_of_one_name(name.trim())? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    fn record_of_one_name(&self, name: &str) -> Result<Option<&Record>> {
        let (name, file) = match name.split_once('@') {
            Some((name, file)) => (name.trim(), file.trim()),
            None => (name, ""),
        };
        let mut found: Option<(&str, &Record)> = None;
        for (source, id) in self.named(name) {
            if !source.ends_with(file) {
                continue;
            }
            let Some(record) = self.as_record(Some(*id)) else {
                continue;
            };
            match found {
                None => found = Some((source, record)),
                Some((first, other)) if !same(record, other) => {
                    bail!("{name} is different in {first} and {source}; ask for '{name} @ file.c'")
                }
                Some(_) => {}
            }
        }
        Ok(found.map(|(_, record)| record))
    }

    /// The type behind typedefs and qualifiers.
    pub(super) fn strip(&self, id: Option<TypeId>) -> Option<&Type> {
        let mut id = id?;
        for _ in 0..MAX_ALIASES {
            match self.get(id)? {
                Type::Alias(target) => id = (*target)?,
                other => return Some(other),
            }
        }
        None
    }

    /// The struct or union that a type is, with its members, also when the unit only
    /// declares it.
    pub(super) fn as_record(&self, id: Option<TypeId>) -> Option<&Record> {
        let Type::Record(record) = self.strip(id)? else {
            return None;
        };
        if !record.declaration {
            return Some(record);
        }
        let definitions = self.named(record.name.as_deref()?);
        definitions
            .iter()
            .find_map(|(_, id)| match self.strip(Some(*id))? {
                Type::Record(record) if !record.declaration => Some(record),
                _ => None,
            })
    }

    /// The field at a path such as `interpreters.head`.
    pub(super) fn field(&self, record: &Record, path: &str) -> Option<Field> {
        let (name, rest) = match path.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (path, None),
        };
        let field = self.member(record, name)?;
        let Some(rest) = rest else {
            return Some(field);
        };
        let inner = self.field(self.as_record(field.target)?, rest)?;
        Some(shifted(inner, field.offset))
    }

    /// A member by name: of the struct itself, of an anonymous member, or of the struct
    /// that it extends, that is its first member.
    fn member(&self, record: &Record, name: &str) -> Option<Field> {
        let own = |member: &&Member| member.name.as_deref() == Some(name);
        if let Some(member) = record.members.iter().find(own) {
            return Some(Field {
                offset: member.offset,
                bits: member.bits.map(|bits| (bits.first, bits.width)),
                target: member.target,
            });
        }
        record.members.iter().enumerate().find_map(|(i, member)| {
            if i > 0 && member.name.is_some() {
                return None;
            }
            let inner = self.member(self.as_record(member.target)?, name)?;
            Some(shifted(inner, member.offset))
        })
    }

    /// What a path of a [`FieldSpec`](exuvia_cpython::spec::FieldSpec) asks for.
    pub(super) fn value(&self, record: &Record, path: &str) -> Result<Option<u64>> {
        let path = path.trim();
        if let Some(path) = path.strip_prefix("length of ") {
            let Some(field) = self.field(record, path) else {
                return Ok(None);
            };
            return match self.strip(field.target) {
                Some(Type::Array { length, .. }) => Ok(*length),
                _ => Ok(None),
            };
        }
        for (prefix, width) in [("bit of ", false), ("width of ", true)] {
            let Some(path) = path.strip_prefix(prefix) else {
                continue;
            };
            let outer = match path.split_once('.') {
                Some((outer, _)) => self.field(record, outer).map(|outer| outer.offset),
                None => Some(0),
            };
            let (Some(field), Some(outer)) = (self.field(record, path), outer) else {
                return Ok(None);
            };
            // Free-threaded builds give some of them bytes of their own.
            let (first, bits) = match (field.bits, self.strip(field.target)) {
                (Some(bits), _) => bits,
                (None, Some(Type::Scalar(bytes))) => (field.offset * 8, bytes * 8),
                _ => bail!("{path} is no bit field"),
            };
            return Ok(Some(if width { bits } else { first - outer * 8 }));
        }
        Ok(self.field(record, path).map(|field| field.offset))
    }
}

fn shifted(field: Field, by: u64) -> Field {
    Field {
        offset: field.offset + by,
        bits: field.bits.map(|(first, width)| (first + by * 8, width)),
        ..field
    }
}

/// Whether two definitions agree in their size and the places of their members.
fn same(a: &Record, b: &Record) -> bool {
    let places = |record: &Record| -> Vec<_> {
        let members = record.members.iter();
        members
            .map(|member| (member.name.clone(), member.offset))
            .collect()
    };
    a.size == b.size && places(a) == places(b)
}
