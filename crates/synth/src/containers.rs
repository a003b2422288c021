//! `tuple`, `list`, `set`, `deque`, cells, and objects of unknown types.

use exuvia_memory::RemoteAddress;

use crate::offset;
use crate::{Heap, Python};

/// Pointers in a block of a deque.
const PER_BLOCK: usize = 64;

impl Heap {
    /// A `tuple`.
    pub fn tuple(&mut self, items: &[RemoteAddress]) -> RemoteAddress {
        let object = self.allocate_tracked(self.abi.tuple_items + 8 * items.len() as u64);
        self.put_tuple(object, items);
        object
    }

    /// A `tuple` in no list of the collector, as those of strings and numbers are.
    pub fn untracked_tuple(&mut self, items: &[RemoteAddress]) -> RemoteAddress {
        let size = offset::GC_HEAD + self.abi.tuple_items + 8 * items.len() as u64;
        let object = self.allocate(size).offset(offset::GC_HEAD);
        self.put_tuple(object, items);
        object
    }

    fn put_tuple(&mut self, object: RemoteAddress, items: &[RemoteAddress]) {
        self.head(object, "tuple");
        self.put_u64(object, offset::OB_SIZE, items.len() as u64);
        self.put_pointers(object.offset(self.abi.tuple_items), items);
    }

    /// A `list`, with room for two items more than it has.
    pub fn list(&mut self, items: &[RemoteAddress]) -> RemoteAddress {
        let object = self.allocate_tracked(40);
        self.head(object, "list");
        if items.is_empty() {
            return object;
        }
        let length = items.len() as u64;
        let block = self.allocate(8 * (length + 2));
        self.put_pointers(block, items);
        self.put_u64(object, offset::OB_SIZE, length);
        self.put_pointer(object, offset::LIST_ITEMS, block);
        self.put_u64(object, offset::LIST_ALLOCATED, length + 2);
        object
    }

    /// A `set` with these slots in its table: a member, or `None` for a slot whose member
    /// was removed. There is room for three fifths of the table, as CPython keeps it.
    pub fn set(&mut self, slots: &[Option<RemoteAddress>]) -> RemoteAddress {
        let object = self.allocate_tracked(200);
        self.head(object, "set");
        let mut size = 8;
        while slots.len() * 5 >= size * 3 {
            size *= 2;
        }
        let table = if size == 8 {
            object.offset(offset::SET_SMALLTABLE)
        } else {
            self.allocate(16 * size as u64)
        };
        // A removed member leaves a pointer to a static object behind, and the hash -1.
        let dummy = self.type_named("object");
        for (place, slot) in (0..).zip(slots) {
            let entry = table.offset(16 * place);
            self.put_pointer(entry, 0, slot.unwrap_or(dummy));
            self.put_u64(entry, 8, if slot.is_some() { place } else { u64::MAX });
        }
        let used = slots.iter().flatten().count() as u64;
        self.put_u64(object, offset::SET_FILL, slots.len() as u64);
        self.put_u64(object, offset::SET_USED, used);
        self.put_u64(object, offset::SET_MASK, size as u64 - 1);
        self.put_pointer(object, offset::SET_TABLE, table);
        object
    }

    /// A `deque` whose first item stands at a place of its first block.
    pub fn deque(&mut self, items: &[RemoteAddress], leftindex: usize) -> RemoteAddress {
        let object = self.allocate_tracked(deque_size(self.python));
        self.head(object, "collections.deque");
        let count = (leftindex + items.len()).div_ceil(PER_BLOCK).max(1);
        let blocks: Vec<_> = (0..count).map(|_| self.allocate(528)).collect();
        for pair in blocks.windows(2) {
            self.put_pointer(pair[0], offset::BLOCK_RIGHTLINK, pair[1]);
            self.put_pointer(pair[1], 0, pair[0]);
        }
        for (place, &item) in (leftindex..).zip(items) {
            let at = offset::BLOCK_DATA + 8 * (place % PER_BLOCK) as u64;
            self.put_pointer(blocks[place / PER_BLOCK], at, item);
        }
        let rightindex = (leftindex + items.len() + PER_BLOCK - 1) % PER_BLOCK;
        self.put_u64(object, offset::OB_SIZE, items.len() as u64);
        self.put_pointer(object, offset::DEQUE_LEFTBLOCK, blocks[0]);
        self.put_pointer(object, offset::DEQUE_RIGHTBLOCK, blocks[count - 1]);
        self.put_u64(object, offset::DEQUE_LEFTINDEX, leftindex as u64);
        self.put_u64(object, offset::DEQUE_RIGHTINDEX, rightindex as u64);
        object
    }

    /// A cell of a closure.
    pub fn cell(&mut self, contents: RemoteAddress) -> RemoteAddress {
        let object = self.allocate_tracked(24);
        self.head(object, "cell");
        self.put_pointer(object, offset::CELL_CONTENTS, contents);
        object
    }

    /// An object of a type with these words after its head, which the collector does not track.
    pub fn untracked_raw(&mut self, ob_type: RemoteAddress, words: &[u64]) -> RemoteAddress {
        let object = self.allocate(16 + 8 * words.len() as u64);
        self.head_of(object, ob_type);
        for (place, &word) in (0..).zip(words) {
            self.put_u64(object, 16 + 8 * place, word);
        }
        object
    }

    /// An object of a type with these words after its head.
    pub fn raw(&mut self, ob_type: RemoteAddress, words: &[u64]) -> RemoteAddress {
        let object = self.allocate_tracked(16 + 8 * words.len() as u64);
        self.head_of(object, ob_type);
        for (place, &word) in (0..).zip(words) {
            self.put_u64(object, 16 + 8 * place, word);
        }
        object
    }
}

/// `sizeof(dequeobject)`: from 3.11 on each keeps free blocks of its own.
pub(crate) fn deque_size(python: Python) -> u64 {
    if python <= Python::V3_10 { 80 } else { 216 }
}
