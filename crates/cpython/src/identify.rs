//! The version of an interpreter that has no `Py_Version` to tell it: up to 3.10.

use exuvia_memory::{Memory, PageCache, RemoteAddress};

use crate::{DictKeys, Flavor, Layout, Version};

/// Entries of `sys.__dict__` that are looked at; it has about a hundred.
const MAX_ENTRIES: u64 = 4096;
/// The name under which `sys` has the version, as in `PY_VERSION_HEX`.
const HEXVERSION: &[u8] = b"hexversion";
/// Bits in each digit of an `int`.
const DIGIT_BITS: u32 = 30;

impl Layout {
    /// The table of an interpreter that does not publish its version, for the version that
    /// its `sys.hexversion` says: each table that such an interpreter may have is tried, and
    /// holds if `sys.__dict__` is a dictionary by it and says that same version.
    ///
    /// None if no table holds: the interpreter is older, or still starting.
    pub fn identify<M: Memory>(memory: M, runtime: RemoteAddress) -> Option<Self> {
        let mut cache = PageCache::new(memory, 0);
        Self::supported()
            .filter(|&(version, _)| version < Version::new(3, 11, 0))
            .find_map(|(series, flavor)| Self::holds(&mut cache, runtime, series, flavor))
    }

    fn holds<M: Memory>(
        cache: &mut PageCache<M>,
        runtime: RemoteAddress,
        series: Version,
        flavor: Flavor,
    ) -> Option<Self> {
        let mut layout = Self::for_version(series, flavor).ok()?;
        layout.fit(cache, runtime).ok()?;
        let hex = layout.hexversion(cache, runtime)?;
        let version = Version::from_hex(hex)?;
        version
            .same_series(series)
            .then(|| Self::for_version(version, flavor).ok())?
    }

    /// `sys.hexversion`, from the dictionary of `sys` in an interpreter's state.
    fn hexversion<M: Memory>(
        &self,
        cache: &mut PageCache<M>,
        runtime: RemoteAddress,
    ) -> Option<u32> {
        let structs = &self.structs;
        let head = runtime.offset(structs.py_runtime_state.interpreters_head);
        let interpreter = cache.pointer(head).ok()?;
        let sysdict = interpreter.offset(structs.py_interpreter_state.sysdict);
        let dict = cache.pointer(sysdict).ok()?;
        let keys = dict.offset(structs.py_dict_object.ma_keys);
        let keys = cache.pointer(keys).ok()?;
        let k = &structs.py_dict_keys_object;
        let slots = cache.u64(keys.offset(k.dk_size?)).ok()?;
        let count = cache.u64(keys.offset(k.dk_nentries)).ok()?;
        if slots > MAX_ENTRIES || count > slots {
            return None;
        }
        let entry = &structs.py_dict_key_entry;
        let first = keys.offset(k.dk_indices + slots * DictKeys::index_bytes(slots));
        (0..count).find_map(|place| {
            let at = first.offset(place * entry.size);
            let key = cache.pointer(at.offset(entry.me_key)).ok()?;
            if !self.is_text(cache, key, HEXVERSION) {
                return None;
            }
            let value = cache.pointer(at.offset(entry.me_value)).ok()?;
            self.small_int(cache, value)
        })
    }

    /// Whether an object, taken for a compact ASCII string, has exactly this text.
    fn is_text<M: Memory>(
        &self,
        cache: &mut PageCache<M>,
        object: RemoteAddress,
        text: &[u8],
    ) -> bool {
        let s = &self.structs.py_ascii_object;
        let length = cache.u64(object.offset(s.length));
        if object.is_null() || length != Ok(text.len() as u64) {
            return false;
        }
        let found = cache.bytes(object.offset(s.size), text.len());
        found.is_ok_and(|found| *found == *text)
    }

    /// The value of an object that is taken for an `int` of one or two digits.
    fn small_int<M: Memory>(&self, cache: &mut PageCache<M>, object: RemoteAddress) -> Option<u32> {
        let long = &self.structs.py_long_object;
        let digits = cache.u64(object.offset(long.ob_size?)).ok()?;
        let first = cache.u32(object.offset(long.ob_digit)).ok()?;
        match digits {
            1 => Some(first),
            2 => {
                let second = cache.u32(object.offset(long.ob_digit + 4)).ok()?;
                Some(second.checked_shl(DIGIT_BITS)? | first)
            }
            _ => None,
        }
    }
}
