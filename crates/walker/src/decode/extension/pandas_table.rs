//! `pandas._libs.hashtable`: the tables behind indexes and `groupby`, in memory of C.
//!
//! The keys of a `PyObjectHashTable` are shown, and not as owned: up to pandas 3.0 the table
//! does not count them, and nothing in the process says whether it is a later one. What
//! holds them is the array that was indexed.
//!
//! Facts: `khash.h` as pandas has it, `hashtable_class_helper.pxi.in`; 2.0 to 3.1.

use super::{CType, Decode, Taken};
use crate::diagnostics::Trouble;
use crate::extent::{Parts, c_block};
use crate::reader::Reader;
use crate::sink::{Hold, Sink, Step};
use crate::types::TypeInfo;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Behind the head: the table of Cython's methods, then the table.
const TABLE: u64 = 8;
/// `kh_pymap_t` and its siblings: four numbers of 32 bits, `flags`, `keys` and `vals`.
const N_BUCKETS: u64 = 0;
const N_OCCUPIED: u64 = 8;
const FLAGS: u64 = 16;
const KEYS: u64 = 24;
const SIZE: u64 = 40;
/// Bytes of a value: a place in the array that was indexed.
const VALUE: u64 = 8;
/// What glibc keeps before a block: its size, with flags in the lowest bits.
const CHUNK_SIZE: u64 = 8;

/// Bytes of the keys of each table.
const KEY_SIZES: [(&str, u64); 13] = [
    ("PyObject", 8),
    ("Complex128", 16),
    ("Complex64", 8),
    ("Float64", 8),
    ("Float32", 4),
    ("Int64", 8),
    ("Int32", 4),
    ("Int16", 2),
    ("Int8", 1),
    ("UInt64", 8),
    ("UInt32", 4),
    ("UInt16", 2),
    ("UInt8", 1),
];

#[derive(Debug, Clone, Copy)]
pub(crate) struct HashTable {
    head: u64,
    keys: Keys,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Objects,
    /// Values of so many bytes.
    Values(u64),
    /// Pointers to texts, from 3.1 on with their lengths.
    Texts,
}

impl Decode for HashTable {
    fn is_for(tp_name: &str) -> bool {
        keys_of(tp_name).is_some()
    }

    fn take<M: Memory>(
        _: &mut Reader<'_, M>,
        tp: &CType<'_>,
    ) -> Result<Option<Taken<Self>>, Fault> {
        let is_known = (tp.head + 16..=tp.head + 64).contains(&tp.basicsize);
        let keys = keys_of(tp.tp_name).filter(|_| is_known);
        let head = tp.head;
        Ok(keys.and_then(|keys| Taken::all(Self { head, keys }, Vec::new())))
    }

    fn references<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        sink: &mut impl Sink,
    ) -> Result<(), Fault> {
        if self.keys != Keys::Objects {
            return Ok(());
        }
        let Some(table) = Table::read(reader, object.offset(self.head + TABLE), object)? else {
            return Ok(());
        };
        let empty = table.empty(reader)?;
        reader.pointers(table.keys, table.n_buckets as usize, |_, i, key| {
            let is_empty = empty.get(i / 8).is_none_or(|byte| byte >> (i % 8) & 1 != 0);
            if !is_empty {
                sink.refer(key, Step::Key(i), Hold::Borrowed);
            }
        })
    }

    fn measure<M: Memory>(
        self,
        reader: &mut Reader<'_, M>,
        object: RemoteAddress,
        _: &TypeInfo,
        parts: &mut Parts,
    ) -> Result<(), Fault> {
        let Some(table) = Table::read(reader, object.offset(self.head + TABLE), object)? else {
            return Ok(());
        };
        let key = match self.keys {
            Keys::Objects => 8,
            Keys::Values(size) => size,
            Keys::Texts => table.text_size(reader)?,
        };
        let buckets = table.n_buckets;
        // Four numbers of at most 36 bits.
        let held = c_block(SIZE)
            + c_block(table.flag_bytes())
            + c_block(buckets * key)
            + c_block(buckets * VALUE);
        parts.uncounted = parts.uncounted.saturating_add(held);
        Ok(())
    }
}

fn keys_of(tp_name: &str) -> Option<Keys> {
    let name = tp_name.strip_prefix("pandas._libs.hashtable.")?;
    let name = name.strip_suffix("HashTable")?;
    match name {
        "PyObject" => Some(Keys::Objects),
        "String" => Some(Keys::Texts),
        _ => {
            let known = KEY_SIZES.iter().find(|(known, _)| *known == name)?;
            Some(Keys::Values(known.1))
        }
    }
}

/// A table of klib.
struct Table {
    n_buckets: u64,
    flags: RemoteAddress,
    keys: RemoteAddress,
}

impl Table {
    /// The table to which a pointer leads; `None` when there is none, or it is none.
    fn read<M: Memory>(
        reader: &mut Reader<'_, M>,
        at: RemoteAddress,
        object: RemoteAddress,
    ) -> Result<Option<Self>, Fault> {
        let table = reader.cache.pointer(at)?;
        if table.is_null() {
            return Ok(None);
        }
        let n_buckets = u64::from(reader.cache.u32(table.offset(N_BUCKETS))?);
        let occupied = u64::from(reader.cache.u32(table.offset(N_OCCUPIED))?);
        if n_buckets == 0 {
            return Ok(None);
        }
        if !n_buckets.is_power_of_two() || occupied > n_buckets {
            reader
                .diagnostics
                .count(Trouble::UnknownNativeMemory, object);
            return Ok(None);
        }
        Ok(Some(Self {
            n_buckets,
            flags: reader.cache.pointer(table.offset(FLAGS))?,
            keys: reader.cache.pointer(table.offset(KEYS))?,
        }))
    }

    /// A bit for each bucket.
    fn flag_bytes(&self) -> u64 {
        (self.n_buckets / 8).max(4)
    }

    /// Which buckets are empty, a bit for each.
    fn empty<M: Memory>(&self, reader: &mut Reader<'_, M>) -> Result<Vec<u8>, Fault> {
        reader.spend(self.flags, self.flag_bytes().div_ceil(8))?;
        reader.cache.bytes(self.flags, self.flag_bytes() as usize)
    }

    /// Bytes of a key that is a text: what the allocator says of their block tells.
    fn text_size<M: Memory>(&self, reader: &mut Reader<'_, M>) -> Result<u64, Fault> {
        let chunk = reader.cache.u64(self.keys.before(CHUNK_SIZE))? & !7;
        let with_lengths = c_block(self.n_buckets * 16);
        let is_larger = (with_lengths..with_lengths.saturating_mul(2)).contains(&chunk);
        Ok(if is_larger { 16 } else { 8 })
    }
}
