//! `dict`: general, of strings only, and split.

use exuvia_memory::RemoteAddress;

use crate::offset;
use crate::{Heap, Python};

const GENERAL: u8 = 0;
const UNICODE: u8 = 1;
const SPLIT: u8 = 2;

/// The most attributes whose values a class shares the names of.
const SHARED_SIZE: u64 = 30;

/// A table of keys that a class keeps for its instances.
#[derive(Debug, Clone, Copy)]
pub struct SharedKeys {
    /// The `PyDictKeysObject`.
    pub address: RemoteAddress,
    /// How many names there are.
    pub names: u64,
}

impl Heap {
    /// A `dict` whose keys are strings.
    pub fn dict(&mut self, entries: &[(RemoteAddress, RemoteAddress)]) -> RemoteAddress {
        let entries: Vec<_> = entries.iter().copied().map(Some).collect();
        self.dict_of(UNICODE, &entries)
    }

    /// A `dict` whose keys are strings, `None` for entries that were deleted.
    pub fn dict_with_holes(
        &mut self,
        entries: &[Option<(RemoteAddress, RemoteAddress)>],
    ) -> RemoteAddress {
        self.dict_of(UNICODE, entries)
    }

    /// A `dict` of keys of any type, `None` for entries that were deleted.
    pub fn general_dict(
        &mut self,
        entries: &[Option<(RemoteAddress, RemoteAddress)>],
    ) -> RemoteAddress {
        self.dict_of(GENERAL, entries)
    }

    /// An `OrderedDict` whose keys are strings.
    pub fn ordered_dict(&mut self, entries: &[(RemoteAddress, RemoteAddress)]) -> RemoteAddress {
        let some: Vec<_> = entries.iter().copied().map(Some).collect();
        let keys = self.keys(UNICODE, &some, 3);
        let object = self.allocate_tracked(112);
        self.head(object, "collections.OrderedDict");
        self.put_u64(object, offset::DICT_USED, entries.len() as u64);
        self.put_pointer(object, offset::DICT_KEYS, keys);
        let mut link = object.offset(offset::ODICT_FIRST);
        for &(key, _) in entries {
            let node = self.allocate(32);
            self.put_pointer(node, 0, key);
            self.image.put_pointer(link, node);
            link = node.offset(offset::NODE_NEXT);
        }
        object
    }

    /// The names that the instances of a class share.
    pub fn shared_keys(&mut self, names: &[RemoteAddress]) -> SharedKeys {
        let entries: Vec<_> = names
            .iter()
            .map(|&name| Some((name, RemoteAddress::NULL)))
            .collect();
        if self.python <= Python::V3_10 {
            // As many slots as the names take, and values for all that they leave usable.
            let address = self.keys(SPLIT, &entries, slots_for(names.len()));
            self.image.put_u64(address, 2);
            let names = names.len() as u64;
            return SharedKeys { address, names };
        }
        let address = self.keys(SPLIT, &entries, 5);
        let names = names.len() as u64;
        // `SHARED_KEYS_MAX_SIZE` is less than what fits into a table of 32 slots.
        self.put_u64(address, offset::KEYS_USABLE, SHARED_SIZE - names);
        self.image.put_u64(address, 2);
        SharedKeys { address, names }
    }

    /// A `dict` with the names of a class and values of its own.
    pub fn split_dict(&mut self, keys: SharedKeys, values: &[RemoteAddress]) -> RemoteAddress {
        let used = values.iter().filter(|value| !value.is_null()).count();
        let values = self.values(values, false);
        let object = self.dict_over(keys, values);
        self.put_u64(object, offset::DICT_USED, used as u64);
        object
    }

    /// A `dict` over values that lie elsewhere.
    pub(crate) fn dict_over(&mut self, keys: SharedKeys, values: RemoteAddress) -> RemoteAddress {
        let object = self.allocate_tracked(48);
        self.head(object, "dict");
        self.put_u64(object, offset::DICT_USED, keys.names);
        self.put_pointer(object, offset::DICT_KEYS, keys.address);
        self.put_pointer(object, offset::DICT_VALUES, values);
        object
    }

    /// A `PyDictValues` in a block of its own.
    pub(crate) fn values(&mut self, values: &[RemoteAddress], embedded: bool) -> RemoteAddress {
        if self.python <= Python::V3_10 {
            let room = (1 << slots_for(values.len())) * 2 / 3;
            let block = self.allocate(8 * room);
            self.put_pointers(block, values);
            return block;
        }
        let block = self.allocate(8 + SHARED_SIZE.next_multiple_of(8) + 8 * SHARED_SIZE);
        if self.python >= Python::V3_13 {
            self.values_header(block, values, embedded);
            return block;
        }
        // Before the values: their number, and the length of what stands before them.
        let prefix = (SHARED_SIZE + 2).next_multiple_of(8);
        let start = block.offset(prefix);
        self.image
            .put(start.before(2), &[values.len() as u8, prefix as u8]);
        self.put_pointers(start, values);
        start
    }

    /// The header of 3.13 with the values after it.
    pub(crate) fn values_header(
        &mut self,
        at: RemoteAddress,
        values: &[RemoteAddress],
        embedded: bool,
    ) {
        let header = [SHARED_SIZE as u8, values.len() as u8, u8::from(embedded), 1];
        self.image.put(at, &header);
        self.put_pointers(at.offset(8), values);
    }

    fn dict_of(
        &mut self,
        kind: u8,
        entries: &[Option<(RemoteAddress, RemoteAddress)>],
    ) -> RemoteAddress {
        let keys = self.keys(kind, entries, slots_for(entries.len()));
        let object = self.allocate_tracked(48);
        self.head(object, "dict");
        let used = entries.iter().flatten().count() as u64;
        self.put_u64(object, offset::DICT_USED, used);
        self.put_pointer(object, offset::DICT_KEYS, keys);
        object
    }

    /// A `PyDictKeysObject`.
    fn keys(
        &mut self,
        kind: u8,
        entries: &[Option<(RemoteAddress, RemoteAddress)>],
        log2_size: u8,
    ) -> RemoteAddress {
        if self.python <= Python::V3_10 {
            return self.old_keys(entries, log2_size);
        }
        // Indices of one byte serve up to 128 slots; of two, up to 32768; then of four.
        let log2_index_bytes = match log2_size {
            0..8 => log2_size,
            8..16 => log2_size + 1,
            _ => log2_size + 2,
        };
        let usable = (1u64 << log2_size) * 2 / 3;
        let (entry_size, key_at) = if kind == GENERAL { (24, 8) } else { (16, 0) };
        let first = offset::KEYS_INDICES + (1 << log2_index_bytes);
        let keys = self.allocate(first + usable * entry_size);
        self.image.put_u64(keys, 1);
        self.image.put(
            keys.offset(offset::KEYS_LOG2_SIZE),
            &[log2_size, log2_index_bytes, kind],
        );
        let count = entries.len() as u64;
        self.put_u64(keys, offset::KEYS_USABLE, usable.saturating_sub(count));
        self.put_u64(keys, offset::KEYS_NENTRIES, count);
        for (place, entry) in (0..).zip(entries) {
            let at = keys.offset(first + place * entry_size + key_at);
            if let Some((key, value)) = entry {
                self.put_pointers(at, &[*key, *value]);
            }
        }
        keys
    }
    /// A `PyDictKeysObject` up to 3.10: with a hash in each entry, whatever the keys are.
    fn old_keys(
        &mut self,
        entries: &[Option<(RemoteAddress, RemoteAddress)>],
        log2_size: u8,
    ) -> RemoteAddress {
        let slots = 1u64 << log2_size;
        // Indices of one byte serve up to 255 slots, of two up to 65535.
        let index = match log2_size {
            0..8 => 1,
            8..16 => 2,
            _ => 4,
        };
        let usable = slots * 2 / 3;
        let first = offset::OLD_KEYS_INDICES + slots * index;
        let keys = self.allocate(first + usable * 24);
        let count = entries.len() as u64;
        self.image.put_u64(keys, 1);
        self.put_u64(keys, offset::KEYS_SIZE, slots);
        self.put_u64(keys, offset::OLD_KEYS_USABLE, usable.saturating_sub(count));
        self.put_u64(keys, offset::OLD_KEYS_NENTRIES, count);
        for (place, entry) in (0..).zip(entries) {
            if let Some((key, value)) = entry {
                let at = keys.offset(first + place * 24 + 8);
                self.put_pointers(at, &[*key, *value]);
            }
        }
        keys
    }
}

/// The number of slots of which two thirds hold so many entries, as a power of two.
fn slots_for(entries: usize) -> u8 {
    let mut log2_size = 3;
    while (1 << log2_size) * 2 / 3 < entries {
        log2_size += 1;
    }
    log2_size
}
