//! How large the tables of containers are, and how large those of their copies would be.

/// Slots of the smallest table of a dictionary (`PyDict_MINSIZE`).
const DICT_LEAST: u32 = 3;
/// No table has more slots, as a power of two.
const MOST: u32 = 40;
/// Slots that lie in the set itself (`PySet_MINSIZE`).
const SET_LEAST: u64 = 8;
/// Bytes of a `setentry`.
const SET_ENTRY: u64 = 16;

/// What a dictionary keeps its keys in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DictTable {
    form: Form,
    log2_slots: u32,
}

/// The forms of `PyDictKeysObject`: bytes of its head, and of an entry. No two tables of any form
/// and any number of slots have the same size, so that a size tells both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    head: u64,
    entry: u64,
}

const FORMS: [Form; 3] = [
    // Up to 3.10.
    Form {
        head: 40,
        entry: 24,
    },
    // From 3.11 on; with keys that are all `str`, and others.
    Form {
        head: 32,
        entry: 16,
    },
    Form {
        head: 32,
        entry: 24,
    },
];

impl DictTable {
    /// The table that has so many bytes.
    pub(super) fn of_size(bytes: u64) -> Option<Self> {
        let tables = FORMS
            .into_iter()
            .flat_map(|form| (DICT_LEAST..MOST).map(move |log2_slots| Self { form, log2_slots }));
        tables.into_iter().find(|table| table.bytes() == bytes)
    }

    /// The table that a copy with so many entries has (`ESTIMATE_SIZE`, `dictresize`).
    pub(super) fn for_entries(self, entries: u64) -> Option<Self> {
        let slots = (entries.checked_mul(3)?.checked_add(1)? / 2).max(1 << DICT_LEAST);
        Some(Self {
            log2_slots: slots.next_power_of_two().ilog2(),
            ..self
        })
    }

    /// For how many entries it has room (`USABLE_FRACTION`).
    pub(super) fn room(self) -> u64 {
        (1 << self.log2_slots) * 2 / 3
    }

    pub(super) fn bytes(self) -> u64 {
        let index = match self.log2_slots {
            ..8 => 1,
            8..16 => 2,
            16..32 => 4,
            _ => 8,
        };
        self.form.head + (index << self.log2_slots) + self.room() * self.form.entry
    }
}

/// Slots of a set beyond those in the set itself, from the bytes that it has elsewhere.
pub(super) fn set_slots(bytes: u64) -> Option<u64> {
    let slots = bytes / SET_ENTRY;
    let is_table = bytes.is_multiple_of(SET_ENTRY) && (slots == 0 || slots.is_power_of_two());
    is_table.then_some(slots)
}

/// For how many members a set has room before it grows (`set_add_entry`).
pub(super) fn set_room(slots: u64) -> u64 {
    let mask = slots.max(SET_LEAST) - 1;
    (mask * 3 - 1) / 5
}

/// Bytes of the table of a copy with so many members (`set_merge`); 0 where it fits into the set.
pub(super) fn set_bytes(members: u64) -> u64 {
    let mask = SET_LEAST - 1;
    if members.saturating_mul(5) < mask * 3 {
        return 0;
    }
    let slots = members.saturating_mul(2).saturating_add(1);
    slots.next_power_of_two().max(SET_LEAST) * SET_ENTRY
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_size_tells_the_table() {
        let mut sizes = HashSet::new();
        for form in FORMS {
            for log2_slots in DICT_LEAST..MOST {
                let table = DictTable { form, log2_slots };
                assert!(sizes.insert(table.bytes()));
                assert_eq!(DictTable::of_size(table.bytes()), Some(table));
            }
        }
    }

    /// `sys.getsizeof` of dictionaries, less 64, in 3.10, and in 3.12 with strings and with numbers
    /// as keys.
    #[test]
    fn tables_have_the_sizes_of_cpython() {
        for (sizes, form) in [
            ([168, 296, 576, 1112], FORMS[0]),
            ([120, 208, 400, 768], FORMS[1]),
            ([160, 288, 568, 1104], FORMS[2]),
        ] {
            for (log2_slots, size) in (3..).zip(sizes) {
                assert_eq!(DictTable { form, log2_slots }.bytes(), size);
            }
        }
        let table = DictTable::of_size(1112).unwrap();
        assert_eq!(table.room(), 42);
        let copy = |entries| table.for_entries(entries).unwrap().bytes();
        assert_eq!([copy(0), copy(5), copy(6), copy(11)], [168, 168, 296, 576]);
    }

    #[test]
    fn sets_of_up_to_four_need_no_table() {
        assert_eq!([0, 4, 5, 8].map(set_bytes), [0, 0, 256, 512]);
        assert_eq!([0, 32].map(set_room), [4, 18]);
        assert_eq!([0, 512, 100].map(set_slots), [Some(0), Some(32), None]);
    }
}
