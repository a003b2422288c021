//! Reading a `PyTypeObject`.

use super::{DictPlacement, Family, Field, NativeType, TypeInfo, fields, name};
use crate::decode::extension::{self, Extension};
use crate::diagnostics::Trouble;
use crate::names::Names;
use crate::reader::{Reader, pointer_in, u64_in};
use crate::sink::{Hold, Step};
use exuvia_cpython::type_flags;
use exuvia_memory::{Fault, Memory, RemoteAddress};
use std::ops::Range;

/// The longest chain of base classes that is followed.
const MAX_BASES: usize = 256;
/// The largest fixed part of an object that is believed.
const MAX_BASICSIZE: u64 = 1 << 24;
/// The most entries of `tp_members` that are read.
const MAX_MEMBERS: usize = 4096;
/// The most names that a class keeps for inline attributes: `SHARED_KEYS_MAX_SIZE`.
const MAX_INLINE_NAMES: usize = 30;
/// `T_OBJECT` and `T_OBJECT_EX` of `structmember.h`: members that are object pointers.
const OBJECT_MEMBERS: [u64; 2] = [6, 16];

/// The type at an address, or `None` when no type lies there.
pub(super) fn load<M: Memory>(
    reader: &mut Reader<'_, M>,
    names: &Names,
    address: RemoteAddress,
) -> Option<TypeInfo> {
    read(reader, names, address).ok().flatten()
}

fn read<M: Memory>(
    reader: &mut Reader<'_, M>,
    names: &Names,
    address: RemoteAddress,
) -> Result<Option<TypeInfo>, Fault> {
    let head = match Head::read(reader, address)? {
        Some(head) if is_metatype(reader, head.metatype)? => head,
        _ => return Ok(None),
    };
    let name = name::read(reader, address, head.flags)?;
    let mut solid = solid_base(reader, names, address)?;
    let mut native = head
        .native()
        .filter(|_| solid.scan && solid.family != Family::Tuple);
    if let Some(native) = &mut native
        && solid.extension.is_some_and(Extension::hides_from_gc)
    {
        native.is_gc = RemoteAddress::NULL;
    }
    if solid.family == Family::Type {
        // A class's own fields are read by code: which are there depends on the class.
        solid.fields = std::mem::take(&mut solid.extension_fields);
        solid.scan = false;
    }
    if solid.family == Family::Tuple {
        // Struct sequences are larger than a tuple by items, which are members.
        solid.scan = false;
    }
    add(&mut solid.fields, solid.extension_fields);
    solid.fields.sort_unstable_by_key(|field| field.offset);

    let inline_names = if head.flags & type_flags::MANAGED_DICT != 0 {
        let names = inline_names(reader, address);
        readable(reader, address, names)
    } else {
        Vec::new()
    };
    let dict = if solid.family == Family::Type {
        DictPlacement::None
    } else if head.flags & type_flags::MANAGED_DICT != 0 {
        DictPlacement::Managed
    } else {
        match head.dictoffset {
            0 => DictPlacement::None,
            offset if offset > 0 => DictPlacement::At(offset as u64),
            offset => DictPlacement::FromEnd(offset.unsigned_abs()),
        }
    };
    // Where a table lists the dictionary as a field, it would be counted twice.
    if let DictPlacement::At(at) = dict {
        solid.fields.retain(|field| field.offset != at);
    }
    let fields_end = solid
        .fields
        .last()
        .map_or(0, |field| field.offset as usize + 8);
    let has_guards = solid.fields.iter().any(|field| field.guard.is_some());
    Ok(Some(TypeInfo {
        address,
        module: name.module,
        name: name.name,
        tp_name: name.tp_name,
        base: head.base,
        basicsize: head.basicsize,
        itemsize: head.itemsize,
        flags: head.flags,
        family: solid.family,
        fields: solid.fields,
        fields_end,
        has_guards,
        weaklistoffset: head.weaklistoffset,
        scan: solid.scan,
        native,
        unseen: solid.unseen,
        opaque: solid.opaque,
        traverse: head.traverse,
        getset: match solid.scan {
            true => solid.getset,
            false => Vec::new(),
        },
        dict,
        inline_names,
        is_ctypes: solid.is_ctypes,
        variant: solid.variant,
        extension: solid.extension,
    }))
}

/// A part of a type, or nothing of it with a diagnostic: the type's instances are there all
/// the same.
fn readable<M: Memory, T: Default>(
    reader: &mut Reader<'_, M>,
    address: RemoteAddress,
    part: Result<T, Fault>,
) -> T {
    part.unwrap_or_else(|_| {
        reader.diagnostics.count(Trouble::UnreadableObject, address);
        T::default()
    })
}

/// The fields of a `PyTypeObject` that say whether it is one, and what its instances are.
struct Head {
    metatype: RemoteAddress,
    base: RemoteAddress,
    basicsize: u64,
    itemsize: u64,
    flags: u64,
    dictoffset: i64,
    weaklistoffset: u64,
    traverse: RemoteAddress,
    is_gc: RemoteAddress,
    members: RemoteAddress,
    member_count: u64,
    getset: RemoteAddress,
}

impl Head {
    /// `None` when the values are impossible.
    fn read<M: Memory>(
        reader: &mut Reader<'_, M>,
        address: RemoteAddress,
    ) -> Result<Option<Self>, Fault> {
        if address.is_null() || !address.is_aligned(8) {
            return Ok(None);
        }
        let structs = &reader.layout.structs;
        let t = &structs.py_type_object;
        let bytes = reader.cache.bytes(address, t.size as usize)?;
        let head = Self {
            metatype: pointer_in(&bytes, structs.py_object.ob_type),
            base: pointer_in(&bytes, t.tp_base),
            basicsize: u64_in(&bytes, t.tp_basicsize),
            itemsize: u64_in(&bytes, t.tp_itemsize),
            flags: u64_in(&bytes, t.tp_flags),
            dictoffset: u64_in(&bytes, t.tp_dictoffset) as i64,
            weaklistoffset: u64_in(&bytes, t.tp_weaklistoffset),
            traverse: pointer_in(&bytes, t.tp_traverse),
            is_gc: pointer_in(&bytes, t.tp_is_gc),
            members: pointer_in(&bytes, t.tp_members),
            member_count: u64_in(&bytes, t.ob_size),
            getset: pointer_in(&bytes, t.tp_getset),
        };
        let is_static = head.flags & type_flags::HEAPTYPE == 0;
        let may_be_unready = is_static && !reader.layout.readies_every_type();
        let possible = head.basicsize < MAX_BASICSIZE
            && head.itemsize < MAX_BASICSIZE
            && (head.flags & type_flags::READY != 0 || may_be_unready)
            && head.dictoffset.unsigned_abs() < MAX_BASICSIZE;
        Ok(possible.then_some(head))
    }

    /// How instances are asked what they refer to, where they can be.
    fn native(&self) -> Option<NativeType> {
        let can_be = self.flags & type_flags::HAVE_GC != 0 && !self.traverse.is_null();
        can_be.then_some(NativeType {
            traverse: self.traverse,
            is_gc: self.is_gc,
        })
    }
}

/// Whether the object at an address is a type whose instances are types.
fn is_metatype<M: Memory>(
    reader: &mut Reader<'_, M>,
    address: RemoteAddress,
) -> Result<bool, Fault> {
    if address.is_null() || !address.is_aligned(8) {
        return Ok(false);
    }
    let tp_flags = reader.layout.structs.py_type_object.tp_flags;
    let flags = reader.cache.u64(address.offset(tp_flags))?;
    Ok(flags & (type_flags::TYPE_SUBCLASS | type_flags::READY)
        == type_flags::TYPE_SUBCLASS | type_flags::READY)
}

/// What instances inherit from the bases that were written in C.
struct SolidBase {
    family: Family,
    fields: Vec<Field>,
    /// Whether one of them is in no table.
    scan: bool,
    /// The bytes of instances that their `tp_traverse` does not know.
    unseen: Range<u64>,
    /// Their `tp_getset`.
    getset: Vec<RemoteAddress>,
    /// Whether one of them is the metaclass of ctypes.
    is_ctypes: bool,
    /// Which variant of the layout describes them.
    variant: Option<usize>,
    /// The decoder of the first of them that has one, and the fields that it knows.
    extension: Option<Extension>,
    extension_fields: Vec<Field>,
    /// Offsets of words that it knows to be no object pointers.
    opaque: Vec<u64>,
}

/// Follows `tp_base` from a type to the first base whose family is known, `object` at the
/// latest: slots of the classes on the way, and the fields of the types in C.
fn solid_base<M: Memory>(
    reader: &mut Reader<'_, M>,
    names: &Names,
    address: RemoteAddress,
) -> Result<SolidBase, Fault> {
    let mut solid = SolidBase {
        family: Family::Plain,
        fields: Vec::new(),
        scan: false,
        unseen: 0..0,
        getset: Vec::new(),
        is_ctypes: false,
        variant: None,
        extension: None,
        extension_fields: Vec::new(),
        opaque: Vec::new(),
    };
    // A table lists all fields of the struct, and the struct of a base need not be its
    // beginning (`_io.FileIO` and `_io._IOBase`): the first that is found serves.
    let mut described = false;
    let mut at = address;
    let mut seen = Vec::new();
    while seen.len() < MAX_BASES && !seen.contains(&at) {
        seen.push(at);
        let Some(head) = Head::read(reader, at)? else {
            break;
        };
        let Some(tp_name) = c_type_name(reader, at, &head)? else {
            let members = members(reader, names, &head);
            add(&mut solid.fields, readable(reader, at, members));
            at = head.base;
            continue;
        };
        let sizes = (head.basicsize, head.itemsize);
        let table = fields::of_c_type(reader.layout, names, &tp_name, sizes);
        // The struct of a release that no table is of is as unknown as any other.
        let is_known = table.is_some() || !reader.layout.types.contains_key(&tp_name);
        let family = Family::of_c_type(&tp_name).filter(|_| is_known);
        solid.is_ctypes |= tp_name == "_ctypes.CType_Type";
        if !described
            && solid.extension.is_none()
            && let Some(found) = extension::of_c_type(reader, names, at, &tp_name, head.basicsize)
        {
            described = found.is_complete;
            solid.extension = Some(found.extension);
            solid.extension_fields = found.fields;
            solid.opaque = found.opaque;
        }
        if !described {
            if let Some((more, variant)) = table {
                described = true;
                solid.variant = variant;
                add(&mut solid.fields, more);
            } else if family.is_none() {
                solid.add_unknown(reader, at, &head)?;
                solid
                    .getset
                    .extend(Some(head.getset).filter(|one| !one.is_null()));
                let members = members(reader, names, &head);
                add(&mut solid.fields, readable(reader, at, members));
            }
        }
        if let Some(family) = family {
            solid.family = family;
            break;
        }
        at = head.base;
    }
    Ok(solid)
}

impl SolidBase {
    /// Adds a type in C that is in no table.
    fn add_unknown<M: Memory>(
        &mut self,
        reader: &mut Reader<'_, M>,
        address: RemoteAddress,
        head: &Head,
    ) -> Result<(), Fault> {
        let base = Head::read(reader, head.base)?;
        let (start, inherited) = base.map_or((0, RemoteAddress::NULL), |base| {
            (base.basicsize, base.traverse)
        });
        let adds_nothing = start == head.basicsize
            && (head.traverse == inherited || !is_made_by_hand(reader, address, head)?);
        if adds_nothing {
            // As many exceptions do.
            return Ok(());
        }
        self.scan = true;
        if start < head.basicsize && (head.traverse.is_null() || head.traverse == inherited) {
            self.unseen = match self.unseen.is_empty() {
                true => start..head.basicsize,
                false => start.min(self.unseen.start)..self.unseen.end,
            };
        }
        Ok(())
    }
}

/// Whether a class was put together by C code without a `PyType_Spec`, with a `tp_traverse` of
/// its own, as pybind11 does it.
fn is_made_by_hand<M: Memory>(
    reader: &mut Reader<'_, M>,
    address: RemoteAddress,
    head: &Head,
) -> Result<bool, Fault> {
    let has_its_own = head.flags & type_flags::HEAPTYPE != 0
        && !reader.subtype_traverse.is_null()
        && !head.traverse.is_null()
        && head.traverse != reader.subtype_traverse;
    if !has_its_own {
        return Ok(false);
    }
    let tp_name = reader.layout.structs.py_type_object.tp_name;
    let name = reader.cache.pointer(address.offset(tp_name))?;
    Ok(!is_from_spec(reader, address, name)?)
}

fn add(fields: &mut Vec<Field>, more: Vec<Field>) {
    for field in more {
        if !fields.iter().any(|known| known.offset == field.offset) {
            fields.push(field);
        }
    }
}

/// `tp_name` when the type was written in C: a static type, or one made by
/// `PyType_FromSpec`, or by hand.
fn c_type_name<M: Memory>(
    reader: &mut Reader<'_, M>,
    address: RemoteAddress,
    head: &Head,
) -> Result<Option<String>, Fault> {
    let tp_name = reader.layout.structs.py_type_object.tp_name;
    let name = reader.cache.pointer(address.offset(tp_name))?;
    if head.flags & type_flags::HEAPTYPE != 0
        && !is_from_spec(reader, address, name)?
        && !is_made_by_hand(reader, address, head)?
    {
        return Ok(None);
    }
    Ok(Some(reader.cache.c_string(name, 512)?))
}

/// Whether a heap type was made by `PyType_FromSpec`: that alone keeps a copy of the name in
/// `_ht_tpname`, from 3.11 on. Before, its `tp_name` is the text of the specification, while
/// that of a class in Python is the text of its `__name__`.
fn is_from_spec<M: Memory>(
    reader: &mut Reader<'_, M>,
    address: RemoteAddress,
    tp_name: RemoteAddress,
) -> Result<bool, Fault> {
    let structs = &reader.layout.structs;
    if let Some(field) = structs.py_heap_type_object._ht_tpname {
        let copy = reader.cache.pointer(address.offset(field))?;
        return Ok(!copy.is_null());
    }
    let ht_name = address.offset(structs.py_heap_type_object.ht_name);
    let ht_name = reader.cache.pointer(ht_name)?;
    let utf8 = ht_name.offset(structs.py_compact_unicode_object.utf8);
    let is_ascii = ht_name.offset(structs.py_ascii_object.size) == tp_name;
    Ok(!is_ascii && reader.cache.pointer(utf8)? != tp_name)
}

/// The object pointers among `tp_members`: the `__slots__` of a class, or what a type in C
/// shows of itself.
fn members<M: Memory>(
    reader: &mut Reader<'_, M>,
    names: &Names,
    head: &Head,
) -> Result<Vec<Field>, Fault> {
    let def = &reader.layout.structs.py_member_def;
    let is_class = head.flags & type_flags::HEAPTYPE != 0;
    let limit = if is_class {
        (head.member_count as usize).min(MAX_MEMBERS)
    } else {
        MAX_MEMBERS
    };
    let mut fields = Vec::new();
    if head.members.is_null() {
        return Ok(fields);
    }
    for i in 0..limit as u64 {
        let at = head.members.offset(i * def.size);
        let name = reader.cache.pointer(at.offset(def.name))?;
        if name.is_null() {
            break;
        }
        let kind = u64::from(reader.cache.u32(at.offset(def.type_))?);
        let offset = reader.cache.u64(at.offset(def.offset))?;
        if OBJECT_MEMBERS.contains(&kind) && (16..MAX_BASICSIZE).contains(&offset) {
            let name = reader.cache.c_string(name, 256)?;
            fields.push(Field {
                offset,
                step: Step::Attribute(names.intern(&name)),
                hold: Hold::Owned,
                guard: None,
            });
        }
    }
    Ok(fields)
}

/// The names of a class's inline attributes, in the order of the values.
fn inline_names<M: Memory>(
    reader: &mut Reader<'_, M>,
    address: RemoteAddress,
) -> Result<Vec<RemoteAddress>, Fault> {
    let ht_cached_keys = reader.layout.structs.py_heap_type_object.ht_cached_keys;
    let keys = reader.cache.pointer(address.offset(ht_cached_keys))?;
    if keys.is_null() {
        return Ok(Vec::new());
    }
    let Some(keys) = crate::decode::dict::Keys::read(reader, keys)? else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    keys.for_each(reader, |_, key, _| names.push(key))?;
    names.truncate(MAX_INLINE_NAMES);
    Ok(names)
}
