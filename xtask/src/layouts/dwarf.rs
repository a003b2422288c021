//! The C types of a build, read from the DWARF of its files.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use gimli::{AttributeValue, DebuggingInformationEntry, EndianSlice, LittleEndian, Unit};
use object::{Object, ObjectSection};

type Reader<'a> = EndianSlice<'a, LittleEndian>;
type Entry<'a> = DebuggingInformationEntry<Reader<'a>>;

/// A type of one of the files: the file's number and the place in its `.debug_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TypeId(usize, usize);

impl TypeId {
    /// The number of its file, in the order in which files were added.
    pub(super) fn file(self) -> usize {
        self.0
    }
}

/// A C type.
#[derive(Debug)]
pub(super) enum Type {
    Record(Record),
    Pointer(Option<TypeId>),
    Array {
        element: Option<TypeId>,
        length: Option<u64>,
    },
    /// A typedef, or a `const`, `volatile` or atomic form of another type.
    Alias(Option<TypeId>),
    /// A number, an enum, a function: nothing that is looked into. With its size in bytes.
    Scalar(u64),
}

/// A struct or union.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) name: Option<String>,
    pub(super) size: u64,
    pub(super) members: Vec<Member>,
    /// Whether its members lie above each other.
    pub(super) is_union: bool,
    /// Only declared: its definition stands in another unit.
    pub(super) declaration: bool,
}

#[derive(Debug)]
pub(super) struct Member {
    /// None for an anonymous struct or union.
    pub(super) name: Option<String>,
    pub(super) offset: u64,
    pub(super) target: Option<TypeId>,
    pub(super) bits: Option<Bits>,
}

/// A bit field: its first bit, from the start of the record, and its width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits {
    pub(super) first: u64,
    pub(super) width: u64,
}

/// The types of a build, from all of its files.
#[derive(Debug, Default)]
pub(super) struct Image {
    pub(super) types: HashMap<TypeId, Type>,
    /// Structs and unions by tag and by typedef, with the source file that defines them.
    pub(super) names: BTreeMap<String, Vec<(String, TypeId)>>,
    enumerators: BTreeMap<String, i64>,
    pub(super) files: usize,
}

impl Image {
    pub(super) fn get(&self, id: TypeId) -> Option<&Type> {
        self.types.get(&id)
    }

    /// Every definition of a struct, by its tag or a typedef, with its source file.
    pub(super) fn named(&self, name: &str) -> &[(String, TypeId)] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn enumerator(&self, name: &str) -> Option<i64> {
        self.enumerators.get(name).copied()
    }

    /// Adds the types of a file; false if it has no DWARF.
    pub(super) fn add_file(&mut self, path: &Path) -> Result<bool> {
        let bytes = fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
        let file = object::File::parse(&*bytes)
            .with_context(|| format!("{} is not an object file", path.display()))?;
        if file.section_by_name(".debug_info").is_none() {
            return Ok(false);
        }
        if file.gnu_debugaltlink()?.is_some() {
            // None of the files read so far shares its DWARF with others, as dwz can do.
            bail!(
                "{} keeps part of its DWARF in a supplementary file, which is not read",
                path.display()
            );
        }
        // Debug files of distributions have compressed sections.
        let load = |id: gimli::SectionId| -> Result<Cow<'_, [u8]>> {
            Ok(match file.section_by_name(id.name()) {
                Some(section) => section.uncompressed_data()?,
                None => Cow::Borrowed(&[]),
            })
        };
        let sections = gimli::DwarfSections::load(load)?;
        let dwarf = sections.borrow(|data| EndianSlice::new(data, LittleEndian));
        let mut units = dwarf.units();
        while let Some(header) = units.next()? {
            let unit = dwarf.unit(header)?;
            let scan = UnitScan::new(&dwarf, &unit, self.files)?;
            scan.run(self)
                .with_context(|| format!("in the DWARF of {}", path.display()))?;
        }
        self.files += 1;
        Ok(true)
    }
}

/// Whether a file has DWARF.
pub(super) fn has_dwarf(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| {
        let file = object::File::parse(&*bytes);
        file.is_ok_and(|file| file.section_by_name(".debug_info").is_some())
    })
}

/// The entries that types consist of.
const OF_TYPES: &[gimli::DwTag] = &[
    gimli::DW_TAG_structure_type,
    gimli::DW_TAG_union_type,
    gimli::DW_TAG_typedef,
    gimli::DW_TAG_const_type,
    gimli::DW_TAG_volatile_type,
    gimli::DW_TAG_restrict_type,
    gimli::DW_TAG_atomic_type,
    gimli::DW_TAG_pointer_type,
    gimli::DW_TAG_array_type,
    gimli::DW_TAG_enumeration_type,
    gimli::DW_TAG_base_type,
    gimli::DW_TAG_subroutine_type,
    gimli::DW_TAG_member,
    gimli::DW_TAG_subrange_type,
    gimli::DW_TAG_enumerator,
];

/// Reads the types of one compilation unit.
struct UnitScan<'a> {
    dwarf: &'a gimli::Dwarf<Reader<'a>>,
    unit: &'a Unit<Reader<'a>>,
    file: usize,
    source: String,
    /// The types that enclose the entry being read, with their depth in the tree.
    open: Vec<(isize, Option<TypeId>)>,
}

impl<'a> UnitScan<'a> {
    fn new(
        dwarf: &'a gimli::Dwarf<Reader<'a>>,
        unit: &'a Unit<Reader<'a>>,
        file: usize,
    ) -> Result<Self> {
        let source = unit.name.map(|name| name.to_string_lossy().into_owned());
        Ok(Self {
            dwarf,
            unit,
            file,
            source: source.unwrap_or_default(),
            open: Vec::new(),
        })
    }

    fn run(mut self, image: &mut Image) -> Result<()> {
        let mut entries = self.unit.entries();
        while let Some(entry) = entries.next_dfs()? {
            let depth = entry.depth();
            while self.open.last().is_some_and(|&(open, _)| open >= depth) {
                self.open.pop();
            }
            let parent = self.open.last().and_then(|&(_, id)| id);
            let id = self.read(entry, parent, image)?;
            self.open.push((depth, id));
        }
        Ok(())
    }

    /// Reads an entry; the result is its number if members of it may follow.
    fn read(
        &self,
        entry: &Entry<'a>,
        parent: Option<TypeId>,
        image: &mut Image,
    ) -> Result<Option<TypeId>> {
        // Nearly all entries are of code: blocks, variables, calls.
        if !OF_TYPES.contains(&entry.tag()) {
            return Ok(None);
        }
        let id = TypeId(self.file, self.section_offset(entry.offset())?);
        let name = self.name(entry)?;
        let target = self.target(entry)?;
        let read = match entry.tag() {
            gimli::DW_TAG_structure_type | gimli::DW_TAG_union_type => {
                let record = self.record(entry, name.clone());
                if let Some(name) = name.filter(|_| !record.declaration) {
                    image
                        .names
                        .entry(name)
                        .or_default()
                        .push((self.source.clone(), id));
                }
                Type::Record(record)
            }
            gimli::DW_TAG_typedef => {
                if let Some(name) = name {
                    image
                        .names
                        .entry(name)
                        .or_default()
                        .push((self.source.clone(), id));
                }
                Type::Alias(target)
            }
            gimli::DW_TAG_const_type
            | gimli::DW_TAG_volatile_type
            | gimli::DW_TAG_restrict_type
            | gimli::DW_TAG_atomic_type => Type::Alias(target),
            gimli::DW_TAG_pointer_type => Type::Pointer(target),
            gimli::DW_TAG_array_type => Type::Array {
                element: target,
                length: None,
            },
            gimli::DW_TAG_enumeration_type
            | gimli::DW_TAG_base_type
            | gimli::DW_TAG_subroutine_type => {
                Type::Scalar(unsigned(entry, gimli::DW_AT_byte_size).unwrap_or(0))
            }
            gimli::DW_TAG_member => {
                self.member(entry, name, target, parent, image)?;
                return Ok(None);
            }
            gimli::DW_TAG_subrange_type => {
                subrange(entry, parent, image);
                return Ok(None);
            }
            gimli::DW_TAG_enumerator => {
                if let (Some(name), Some(value)) = (name, signed(entry)) {
                    image.enumerators.insert(name, value);
                }
                return Ok(None);
            }
            _ => return Ok(None),
        };
        image.types.insert(id, read);
        Ok(Some(id))
    }

    fn record(&self, entry: &Entry<'a>, name: Option<String>) -> Record {
        Record {
            name,
            size: unsigned(entry, gimli::DW_AT_byte_size).unwrap_or(0),
            members: Vec::new(),
            is_union: entry.tag() == gimli::DW_TAG_union_type,
            declaration: entry.has_attr(gimli::DW_AT_declaration),
        }
    }

    fn member(
        &self,
        entry: &Entry<'a>,
        name: Option<String>,
        target: Option<TypeId>,
        parent: Option<TypeId>,
        image: &mut Image,
    ) -> Result<()> {
        let Some(Type::Record(record)) = parent.and_then(|id| image.types.get_mut(&id)) else {
            bail!("a member {name:?} outside of a struct");
        };
        let offset = unsigned(entry, gimli::DW_AT_data_member_location).unwrap_or(0);
        let bits = unsigned(entry, gimli::DW_AT_bit_size).map(|width| Bits {
            first: unsigned(entry, gimli::DW_AT_data_bit_offset).unwrap_or(offset * 8),
            width,
        });
        record.members.push(Member {
            name,
            offset: bits.map_or(offset, |bits| bits.first / 8),
            target,
            bits,
        });
        Ok(())
    }

    fn name(&self, entry: &Entry<'a>) -> Result<Option<String>> {
        let Some(value) = entry.attr_value(gimli::DW_AT_name) else {
            return Ok(None);
        };
        let text = self.dwarf.attr_string(self.unit, value)?;
        Ok(Some(text.to_string_lossy().into_owned()))
    }

    fn target(&self, entry: &Entry<'a>) -> Result<Option<TypeId>> {
        match entry.attr_value(gimli::DW_AT_type) {
            Some(AttributeValue::UnitRef(offset)) => {
                Ok(Some(TypeId(self.file, self.section_offset(offset)?)))
            }
            Some(AttributeValue::DebugInfoRef(offset)) => Ok(Some(TypeId(self.file, offset.0))),
            _ => Ok(None),
        }
    }

    fn section_offset(&self, offset: gimli::UnitOffset) -> Result<usize> {
        let offset = offset
            .to_debug_info_offset(&self.unit.header)
            .context("a type outside of .debug_info")?;
        Ok(offset.0)
    }
}

/// Gives an array its length; each further dimension multiplies it.
fn subrange(entry: &Entry<'_>, parent: Option<TypeId>, image: &mut Image) {
    if let Some(Type::Array { length, .. }) = parent.and_then(|id| image.types.get_mut(&id)) {
        let count = unsigned(entry, gimli::DW_AT_count)
            .or_else(|| Some(unsigned(entry, gimli::DW_AT_upper_bound)? + 1));
        *length = match (*length, count) {
            (Some(length), Some(count)) => Some(length * count),
            (None, count) => count,
            (length, None) => length,
        };
    }
}

fn unsigned(entry: &Entry<'_>, name: gimli::DwAt) -> Option<u64> {
    entry.attr_value(name)?.udata_value()
}

fn signed(entry: &Entry<'_>) -> Option<i64> {
    entry.attr_value(gimli::DW_AT_const_value)?.sdata_value()
}
