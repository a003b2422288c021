//! `dict`: combined tables, split tables, and the tables of keys that classes keep for
//! their instances.

use crate::diagnostics::Trouble;
use crate::reader::{Reader, pointer_in, u64_in};
use crate::sink::{Hold, Sink, Step};
use exuvia_cpython::{DictKeys, DictValues, Layout};
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// The largest table that is believed: 2^40 slots.
const MAX_LOG2_SIZE: u8 = 40;
/// From 3.11 on, instances share only tables of up to this many keys: the size must fit into
/// a byte (`SHARED_KEYS_MAX_SIZE` is 30).
pub(super) const MAX_SHARED: u64 = 255;

/// A `PyDictKeysObject`: the table of keys, which holds the values too unless it is split.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    entries: RemoteAddress,
    pub(crate) entry_count: u64,
    usable: u64,
    refcount: i64,
    is_general: bool,
    /// Whether it has the shape [`DictKeys::Size`].
    is_sized: bool,
    /// Places in the table of indices.
    slots: u64,
    /// Bytes of the table of indices.
    index_bytes: u64,
}

impl Keys {
    /// Reads the head of the table at an address; `None` when its numbers are impossible.
    pub(crate) fn read<M: Memory>(
        reader: &mut Reader<'_, M>,
        address: RemoteAddress,
    ) -> Result<Option<Self>, Fault> {
        let k = &reader.layout.structs.py_dict_keys_object;
        let mut head = [0; 64];
        let head = &mut head[..(k.dk_indices as usize).min(64)];
        reader.cache.read_exact(address, head)?;
        let Some((slots, index_bytes)) = indices(reader.layout, head) else {
            return Ok(None);
        };
        let byte = |offset: u64| head.get(offset as usize).copied().map(i64::from);
        let general = reader.layout.constants.dict_keys_general;
        let entry_count = u64_in(head, k.dk_nentries);
        Ok((entry_count <= slots).then(|| Self {
            entries: address.offset(k.dk_indices + index_bytes),
            entry_count,
            usable: u64_in(head, k.dk_usable),
            refcount: u64_in(head, k.dk_refcnt) as i64,
            // Where there is only one sort of entries, it is the general one.
            is_general: k.dk_kind.is_none_or(|kind| byte(kind) == general),
            is_sized: reader.layout.shapes.dict_keys == DictKeys::Size,
            slots,
            index_bytes,
        }))
    }

    /// Whether one dictionary alone uses the table.
    pub(crate) fn is_unshared(&self) -> bool {
        self.refcount == 1
    }

    /// How many values a split table has room for: `shared_keys_usable_size`, or, up to
    /// 3.10, as many as the table of keys has entries.
    pub(crate) fn shared_size(&self) -> u64 {
        if self.is_sized {
            self.usable_at_most()
        } else {
            self.usable.saturating_add(self.entry_count).min(MAX_SHARED)
        }
    }

    /// Bytes of the table: `_PyDict_KeysSize`.
    pub(crate) fn bytes<M: Memory>(&self, reader: &Reader<'_, M>) -> u64 {
        let structs = &reader.layout.structs;
        let entry = self.entry_size(reader);
        structs.py_dict_keys_object.dk_indices + self.index_bytes + self.usable_at_most() * entry
    }

    /// Entries that fit into the table: `USABLE_FRACTION`.
    fn usable_at_most(&self) -> u64 {
        self.slots * 2 / 3
    }

    fn entry_size<M: Memory>(&self, reader: &Reader<'_, M>) -> u64 {
        let structs = &reader.layout.structs;
        match &structs.py_dict_unicode_entry {
            Some(entry) if !self.is_general => entry.size,
            _ => structs.py_dict_key_entry.size,
        }
    }

    /// Hands each entry that has a key to `each`: its place, its key, and the value beside
    /// it, which is null in a split table and in an entry that was deleted.
    pub(crate) fn for_each<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        mut each: impl FnMut(&mut Reader<'_, M>, RemoteAddress, RemoteAddress),
    ) -> Result<(), Fault> {
        let structs = &reader.layout.structs;
        let (key, value) = match &structs.py_dict_unicode_entry {
            Some(entry) if !self.is_general => (entry.me_key, entry.me_value),
            _ => {
                let entry = &structs.py_dict_key_entry;
                (entry.me_key, entry.me_value)
            }
        };
        let size = self.entry_size(reader);
        reader.spend(self.entries, self.entry_count * size / 8)?;
        let mut bytes = [0; 24 * 20];
        let at_once = bytes.len() as u64 / size;
        let mut done = 0;
        while done < self.entry_count {
            let now = (self.entry_count - done).min(at_once);
            let bytes = &mut bytes[..(now * size) as usize];
            reader
                .cache
                .read_exact(self.entries.offset(done * size), bytes)?;
            for entry in bytes.chunks_exact(size as usize) {
                each(reader, pointer_in(entry, key), pointer_in(entry, value));
            }
            done += now;
        }
        Ok(())
    }
}

/// A `PyDictObject`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) keys: Keys,
    /// The values of a split table, or null.
    pub(crate) values: RemoteAddress,
    /// Whether the values lie inside the instance whose dictionary this is.
    embedded: bool,
}

impl Table {
    /// Reads the dictionary at an address; `None` when its numbers are impossible.
    pub(crate) fn read<M: Memory>(
        reader: &mut Reader<'_, M>,
        dict: RemoteAddress,
    ) -> Result<Option<Self>, Fault> {
        let d = &reader.layout.structs.py_dict_object;
        let (ma_keys, ma_values) = (d.ma_keys, d.ma_values);
        let keys = reader.cache.pointer(dict.offset(ma_keys))?;
        let values = reader.cache.pointer(dict.offset(ma_values))?;
        let Some(keys) = Keys::read(reader, keys)? else {
            reader.diagnostics.count(Trouble::ImplausibleLength, dict);
            return Ok(None);
        };
        let mut embedded = false;
        if !values.is_null()
            && let Some(header) = &reader.layout.structs.py_dict_values
            && let Some(flag) = header.embedded
        {
            embedded = reader.cache.u8(values.offset(flag))? != 0;
        }
        Ok(Some(Self {
            keys,
            values,
            embedded,
        }))
    }

    /// Hands each key with its value to `each`, in the order of the table.
    pub(crate) fn entries<M: Memory>(
        &self,
        reader: &mut Reader<'_, M>,
        mut each: impl FnMut(&mut Reader<'_, M>, RemoteAddress, RemoteAddress),
    ) -> Result<(), Fault> {
        if self.values.is_null() {
            return self.keys.for_each(reader, |reader, key, value| {
                if !key.is_null() && !value.is_null() {
                    each(reader, key, value);
                }
            });
        }
        let values = split_values(reader, self.values, &self.keys)?;
        let mut values = values.into_iter();
        self.keys.for_each(reader, |reader, key, _| {
            let value = values.next().unwrap_or_default();
            if !key.is_null() && !value.is_null() {
                each(reader, key, value);
            }
        })
    }

    /// Bytes of a split table's own values, as `dict.__sizeof__` counts them.
    pub(crate) fn split_bytes(&self) -> u64 {
        if self.values.is_null() {
            0
        } else {
            self.keys.shared_size() * 8
        }
    }

    /// Bytes allocated for values outside of the instance.
    pub(crate) fn values_allocated<M: Memory>(&self, reader: &Reader<'_, M>) -> u64 {
        if self.values.is_null() || self.embedded {
            0
        } else {
            values_bytes(reader, self.keys.shared_size())
        }
    }
}

/// Bytes of the block that holds so many split values, with what stands around them.
pub(crate) fn values_bytes<M: Memory>(reader: &Reader<'_, M>, count: u64) -> u64 {
    let around = match reader.layout.shapes.dict_values {
        DictValues::Bare => 0,
        // One byte of order for each value, and two for the sizes, before the values.
        DictValues::PrefixBytes => (count + 2).next_multiple_of(8),
        DictValues::Header => first_value(reader.layout) + count.next_multiple_of(8),
    };
    around + count * 8
}

/// Where the first of split values lies in their block.
pub(super) fn first_value(layout: &Layout) -> u64 {
    let values = layout.structs.py_dict_values.as_ref();
    values.map_or(0, |values| values.values)
}

/// How many slots a table of keys has, and how many bytes its indices take, from its head;
/// `None` when these are impossible.
fn indices(layout: &Layout, head: &[u8]) -> Option<(u64, u64)> {
    let k = &layout.structs.py_dict_keys_object;
    match layout.shapes.dict_keys {
        DictKeys::Size => {
            let slots = u64_in(head, k.dk_size?);
            (slots <= 1 << MAX_LOG2_SIZE).then(|| (slots, slots * DictKeys::index_bytes(slots)))
        }
        DictKeys::Log2Size => {
            let byte = |offset: u64| head.get(offset as usize).copied();
            let (log2_size, log2_bytes) = (byte(k.dk_log2_size?)?, byte(k.dk_log2_index_bytes?)?);
            let possible = log2_size <= MAX_LOG2_SIZE && log2_bytes <= MAX_LOG2_SIZE + 3;
            possible.then(|| (1 << log2_size, 1 << log2_bytes))
        }
    }
}

/// The pointers of a `PyDictValues` that belong to the first entries of a table of keys.
pub(super) fn split_values<M: Memory>(
    reader: &mut Reader<'_, M>,
    values: RemoteAddress,
    keys: &Keys,
) -> Result<Vec<RemoteAddress>, Fault> {
    let count = keys.entry_count.min(keys.shared_size()) as usize;
    let first = values.offset(first_value(reader.layout));
    let mut found = Vec::with_capacity(count.min(MAX_SHARED as usize));
    reader.pointers(first, count, |_, _, value| found.push(value))?;
    Ok(found)
}

/// The references of a dictionary.
pub(super) fn references<M: Memory>(
    reader: &mut Reader<'_, M>,
    dict: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let Some(table) = Table::read(reader, dict)? else {
        return Ok(());
    };
    // The keys of a shared table belong to the class, unless the class has taken another one
    // since, and the dictionary alone is left.
    let key_hold = if table.values.is_null() || table.keys.is_unshared() {
        Hold::Owned
    } else {
        Hold::Borrowed
    };
    let mut place = 0;
    if reader.interned.contains(dict) {
        return table.entries(reader, |reader, key, value| {
            // Met all the same: some strings are held by nothing that is known.
            sink.refer_by_word(reader, key, Step::Key(place), Hold::Borrowed);
            sink.refer_by_word(reader, value, Step::Value(key), Hold::Borrowed);
            place += 1;
        });
    }
    table.entries(reader, |_, key, value| {
        sink.refer(key, Step::Key(place), key_hold);
        sink.own(value, Step::Value(key));
        place += 1;
    })?;
    let ma_used = reader.layout.structs.py_dict_object.ma_used;
    if reader.cache.u64(dict.offset(ma_used))? != place as u64 {
        reader.diagnostics.count(Trouble::Torn, dict);
    }
    Ok(())
}
