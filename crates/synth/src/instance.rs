//! Instances of classes: with values, with a dictionary, with both, and with slots.

use exuvia_memory::RemoteAddress;

use crate::offset;
use crate::{Class, Heap, Python};

/// What stands before an instance with a dictionary, besides the collector's head.
const PRE_HEADER: u64 = 16;
/// Where the pointer to its dictionary lies, in bytes before the instance.
const DICT_BEFORE: u64 = 24;
/// Where 3.11 keeps the pointer to the values.
const VALUES_BEFORE: u64 = 32;
/// Room for 30 values and their header.
const INLINE_ROOM: u64 = 8 + 32 + 30 * 8;

/// How an instance keeps its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instance<'a> {
    /// Values without a dictionary; up to 3.10 with one that has the names of the class.
    Values(&'a [RemoteAddress]),
    /// A dictionary that was made by asking for `__dict__`, of a table of its own.
    Dict(RemoteAddress),
    /// A dictionary over the values, which the instance still owns: from 3.13.
    DictOverValues(&'a [RemoteAddress]),
    /// Slots.
    Slots(&'a [RemoteAddress]),
}

impl Heap {
    /// An instance of a class.
    pub fn instance(&mut self, class: &Class, kept: Instance<'_>) -> RemoteAddress {
        let inline = class.has_dict && self.python >= Python::V3_13;
        let room = if inline { INLINE_ROOM } else { 0 };
        if class.has_dict && self.python >= Python::V3_11 {
            self.allocate(PRE_HEADER);
        }
        let object = self.allocate_tracked(class.basicsize + room);
        self.head_of(object, class.address);
        match kept {
            Instance::Values(values) => self.keep_values(class, object, values),
            Instance::Dict(dict) => self.put_dict(class, object, dict),
            Instance::DictOverValues(values) => {
                let inside = object.offset(class.basicsize);
                self.values_header(inside, values, true);
                if let Some(keys) = class.keys {
                    let dict = self.dict_over(keys, inside);
                    self.put_dict(class, object, dict);
                }
            }
            Instance::Slots(values) => {
                let first = class.basicsize - 8 * values.len() as u64;
                self.put_pointers(object.offset(first), values);
            }
        }
        object
    }

    /// An instance of a subclass of `list` with attributes.
    pub fn list_instance(
        &mut self,
        class: &Class,
        items: &[RemoteAddress],
        dict: RemoteAddress,
    ) -> RemoteAddress {
        let object = self.instance(class, Instance::Dict(dict));
        let block = self.allocate(8 * items.len() as u64);
        self.put_pointers(block, items);
        self.put_u64(object, offset::OB_SIZE, items.len() as u64);
        self.put_pointer(object, offset::LIST_ITEMS, block);
        self.put_u64(object, offset::LIST_ALLOCATED, items.len() as u64);
        object
    }

    fn put_dict(&mut self, class: &Class, object: RemoteAddress, dict: RemoteAddress) {
        let at = if self.python >= Python::V3_11 {
            object.before(DICT_BEFORE)
        } else {
            let dictoffset = class.address.offset(offset::TP_DICTOFFSET);
            object.offset(self.image.u64(dictoffset))
        };
        self.image.put_pointer(at, dict);
    }

    fn keep_values(&mut self, class: &Class, object: RemoteAddress, values: &[RemoteAddress]) {
        match self.python {
            Python::V3_8 | Python::V3_9 | Python::V3_10 => {
                if let Some(keys) = class.keys {
                    let dict = self.split_dict(keys, values);
                    self.put_dict(class, object, dict);
                }
            }
            Python::V3_11 => {
                let values = self.values(values, false);
                self.image.put_pointer(object.before(VALUES_BEFORE), values);
            }
            Python::V3_12 => {
                // A pointer to the byte before the values: the lowest bit says so.
                let values = self.values(values, false);
                self.put_dict(class, object, values.before(1));
            }
            _ => {
                self.values_header(object.offset(class.basicsize), values, true);
            }
        }
    }
}
