//! Classes: what a `class` statement makes.

use exuvia_memory::RemoteAddress;

use crate::offset;
use crate::types::{
    BASETYPE, HAVE_GC, HEAPTYPE, INHERITED, INLINE_VALUES, MANAGED_DICT, MANAGED_WEAKREF, READY,
};
use crate::{Heap, Python, SharedKeys};

/// `T_OBJECT_EX` of `structmember.h`.
const OBJECT_MEMBER: u32 = 16;

/// A class to lay out.
#[derive(Debug, Clone, Copy)]
pub struct ClassSpec<'a> {
    /// Its `__name__` and `__qualname__`.
    pub name: &'a str,
    /// Its `__module__`.
    pub module: &'a str,
    /// The base: a class, or a static type.
    pub base: RemoteAddress,
    /// The names of its slots; `None` when instances have a dictionary instead.
    pub slots: Option<&'a [&'a str]>,
    /// The names that instances keep the values of without a dictionary.
    pub attributes: &'a [&'a str],
}

/// A class.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its `PyHeapTypeObject`.
    pub address: RemoteAddress,
    /// Its `__dict__`.
    pub dict: RemoteAddress,
    /// Its `__bases__` and its `__mro__`, as far as they are laid out.
    pub bases: RemoteAddress,
    /// The `str` of its name.
    pub name: RemoteAddress,
    /// The tuple of its slots' names; null without slots.
    pub slots: RemoteAddress,
    /// The names of [`ClassSpec::attributes`].
    pub attributes: Vec<RemoteAddress>,
    pub(crate) keys: Option<SharedKeys>,
    pub(crate) basicsize: u64,
    pub(crate) has_dict: bool,
}

impl Heap {
    /// A class whose instances have a dictionary.
    pub fn class(&mut self, name: &str, attributes: &[&str]) -> Class {
        let base = self.type_named("object");
        self.class_of(&ClassSpec {
            name,
            module: "app",
            base,
            slots: None,
            attributes,
        })
    }

    /// A class of any kind.
    pub fn class_of(&mut self, spec: &ClassSpec<'_>) -> Class {
        let abi = &self.abi.heap_type;
        let slots = spec.slots.unwrap_or_default();
        let members = slots.len() as u64;
        let address = self.allocate_tracked(abi.size + members * offset::MEMBER);
        let base_flags = self.image.u64(spec.base.offset(offset::TP_FLAGS));
        let base_size = self.image.u64(spec.base.offset(offset::TP_BASICSIZE));
        let itemsize = self.image.u64(spec.base.offset(offset::TP_ITEMSIZE));
        let base_dictoffset = self.image.u64(spec.base.offset(offset::TP_DICTOFFSET));
        let inherits_dict = base_flags & MANAGED_DICT != 0 || base_dictoffset != 0;
        let has_dict = spec.slots.is_none() && !inherits_dict;
        let own = if has_dict { own_fields(self.python) } else { 0 };
        let basicsize = base_size + own + 8 * members;

        let mut flags = READY | HEAPTYPE | BASETYPE | HAVE_GC | base_flags & INHERITED;
        if has_dict || inherits_dict {
            flags |= managed(self.python);
        }
        if self.python <= Python::V3_10 {
            let dictoffset = if has_dict { base_size } else { base_dictoffset };
            self.put_u64(address, offset::TP_DICTOFFSET, dictoffset);
        }
        let metatype = self.image.pointer(spec.base.offset(offset::OB_TYPE));
        self.head_of(address, metatype);
        self.put_u64(address, offset::OB_SIZE, members);
        self.put_u64(address, offset::TP_BASICSIZE, basicsize);
        self.put_u64(address, offset::TP_ITEMSIZE, itemsize);
        self.put_u64(address, offset::TP_FLAGS, flags);
        self.put_pointer(address, offset::TP_BASE, spec.base);

        // The text of the `str`, which up to 3.10 tells a class from a type in C.
        let name = self.text(spec.name);
        let tp_name = name.offset(self.abi.text.ascii);
        self.put_pointer(address, offset::TP_NAME, tp_name);
        self.put_pointer(address, abi.ht_name, name);
        self.put_pointer(address, abi.ht_qualname, name);
        let (key, module) = (self.text("__module__"), self.text(spec.module));
        let dict = self.dict(&[(key, module)]);
        self.put_pointer(address, offset::TP_DICT, dict);
        let bases = self.tuple(&[spec.base]);
        self.put_pointer(address, offset::TP_BASES, bases);

        let slot_names = self.slots(address, slots, basicsize - 8 * members);
        let attributes: Vec<_> = spec.attributes.iter().map(|name| self.text(name)).collect();
        let keys = (has_dict || inherits_dict).then(|| self.shared_keys(&attributes));
        if let Some(keys) = keys {
            self.put_pointer(address, abi.ht_cached_keys, keys.address);
        }
        Class {
            address,
            dict,
            bases,
            name,
            slots: slot_names,
            attributes,
            keys,
            basicsize,
            has_dict: keys.is_some(),
        }
    }

    /// Writes the members behind a class: one for each slot.
    fn slots(&mut self, class: RemoteAddress, slots: &[&str], first: u64) -> RemoteAddress {
        if slots.is_empty() {
            return RemoteAddress::NULL;
        }
        let members = class.offset(self.abi.heap_type.size);
        self.put_pointer(class, offset::TP_MEMBERS, members);
        for (place, slot) in (0..).zip(slots) {
            let member = members.offset(place * offset::MEMBER);
            let name = self.c_string(slot);
            self.put_pointer(member, 0, name);
            self.put_u32(member, offset::MEMBER_TYPE, OBJECT_MEMBER);
            self.put_u64(member, offset::MEMBER_OFFSET, first + 8 * place);
        }
        let names: Vec<_> = slots.iter().map(|slot| self.text(slot)).collect();
        let names = self.tuple(&names);
        self.put_pointer(class, self.abi.heap_type.ht_slots, names);
        names
    }
}

/// Bytes that instances have for the list of their weak references, and up to 3.10 before it
/// for their dictionary.
fn own_fields(python: Python) -> u64 {
    match python {
        Python::V3_8 | Python::V3_9 | Python::V3_10 => 16,
        Python::V3_11 => 8,
        _ => 0,
    }
}

/// Flags of a class whose instances have a dictionary and weak references.
fn managed(python: Python) -> u64 {
    match python {
        Python::V3_8 | Python::V3_9 | Python::V3_10 => 0,
        Python::V3_11 => MANAGED_DICT,
        Python::V3_12 => MANAGED_DICT | MANAGED_WEAKREF,
        _ => MANAGED_DICT | MANAGED_WEAKREF | INLINE_VALUES,
    }
}
