//! Objects: a few sorts of them, at the places that free-threaded builds have.

use exuvia_memory::RemoteAddress;

use super::{FreeHeap, head};

const TRACKED: u8 = 1;
const DEFERRED: u8 = 64;

const HEAPTYPE: u64 = 1 << 9;
const READY: u64 = 1 << 12;
const HAVE_GC: u64 = 1 << 14;
const INLINE_VALUES: u64 = 1 << 2;
const MANAGED_DICT: u64 = 1 << 4;
const TYPE_SUBCLASS: u64 = 1 << 31;

/// `PyTypeObject`
const TP_NAME: u64 = 40;
const TP_BASICSIZE: u64 = 48;
const TP_ITEMSIZE: u64 = 56;
const TP_FLAGS: u64 = 184;
const TP_BASE: u64 = 272;
const TP_DICT: u64 = 280;
const TP_SUBCLASSES: u64 = 376;

/// A frame to lay out.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The names of its variables.
    pub names: &'a [&'a str],
    /// Their slots, tags included, then those of the stack.
    pub slots: &'a [u64],
}

/// The built-in types, `type` and `object` first.
pub(super) fn built_in(heap: &mut FreeHeap) {
    let abi = heap.abi;
    let all = [
        ("type", abi.heap_type_size, 40, HAVE_GC | TYPE_SUBCLASS),
        ("object", 32, 0, 0),
        ("int", 40, 4, 1 << 24),
        ("str", 80, 0, 1 << 28),
        ("bytes", 49, 1, 1 << 27),
        ("tuple", abi.tuple_items, 8, HAVE_GC | 1 << 26),
        ("list", 56, 0, HAVE_GC | 1 << 25),
        ("dict", 64, 0, HAVE_GC | 1 << 29),
        ("code", abi.code_size, 2, HAVE_GC),
        ("NoneType", 32, 0, 0),
    ];
    for (name, ..) in all {
        let address = heap.in_program(abi.type_size);
        heap.types.insert(name, address);
    }
    let object = heap.type_named("object");
    for (place, (name, basicsize, itemsize, flags)) in (0..).zip(all) {
        let address = heap.type_named(name);
        let base = if name == "object" {
            RemoteAddress::NULL
        } else {
            object
        };
        heap.type_at(address, name, (basicsize, itemsize), flags, base);
        heap.make_immortal(address);
        // Static types have their state in the interpreter, at this place, from 1 on.
        heap.image.put_u64(address.offset(TP_SUBCLASSES), place + 1);
        let states = heap.interpreter.offset(abi.interpreter.static_types);
        heap.image.put_pointer(states.offset(48 * place), address);
    }
}

impl FreeHeap {
    /// A built-in type by its `tp_name`.
    pub fn type_named(&self, tp_name: &str) -> RemoteAddress {
        match self.types.get(tp_name) {
            Some(&address) => address,
            None => panic!("there is no built-in type '{tp_name}' here"),
        }
    }

    /// Writes the head of an object, with one reference of its own thread.
    pub fn head(&mut self, object: RemoteAddress, ob_type: RemoteAddress) {
        self.image.put_u64(object, 0x7f00_0000_1000);
        self.image.put_u32(object.offset(head::OB_REF_LOCAL), 1);
        self.image
            .put_pointer(object.offset(head::OB_TYPE), ob_type);
    }

    /// Writes both reference counts of an object: that of its own thread, and that of the
    /// others with its flags.
    pub fn put_counts(&mut self, object: RemoteAddress, local: u32, shared: i64) {
        self.image.put_u32(object.offset(head::OB_REF_LOCAL), local);
        self.image
            .put_u64(object.offset(head::OB_REF_SHARED), shared as u64);
    }

    /// Lets the count of an object be deferred, as that of a function is that is referred to
    /// `count` times.
    pub fn defer(&mut self, object: RemoteAddress, count: i64) {
        let bits = object.offset(head::OB_GC_BITS);
        self.image.put(bits, &[TRACKED | DEFERRED]);
        if self.build.defers_by_a_large_count() {
            self.put_counts(object, 0, (i64::MAX / 8 + count) << 2 | 3);
        } else {
            self.put_counts(object, count as u32 + 1, 2);
        }
    }

    /// Makes an object immortal, which takes it from the collector.
    pub fn make_immortal(&mut self, object: RemoteAddress) {
        self.put_counts(object, u32::MAX, 0);
        self.image.put(object.offset(head::OB_GC_BITS), &[0]);
        self.tracked.retain(|&known| known != object);
    }

    /// Sets the bit of the collector, and says that the object is to be found by it.
    pub fn track(&mut self, object: RemoteAddress) {
        self.image.put(object.offset(head::OB_GC_BITS), &[TRACKED]);
        self.tracked.push(object);
    }

    /// Sets the bit of the collector in a block that is free, or not this interpreter's.
    pub fn leave_tracked(&mut self, object: RemoteAddress) {
        self.image.put(object.offset(head::OB_GC_BITS), &[TRACKED]);
    }

    /// A small `int`.
    pub fn int(&mut self, value: u32) -> RemoteAddress {
        let object = self.allocate(48);
        let ob_type = self.type_named("int");
        self.head(object, ob_type);
        self.image.put_u64(object.offset(32), 1 << 3);
        self.image.put_u32(object.offset(40), value);
        object
    }

    /// A `str` of ASCII characters.
    pub fn text(&mut self, text: &str) -> RemoteAddress {
        let object = self.allocate(56 + text.len() as u64 + 1);
        let ob_type = self.type_named("str");
        self.head(object, ob_type);
        self.image.put_u64(object.offset(32), text.len() as u64);
        let kind = self.abi.kind_bit;
        let state = 1 << kind | 1 << (kind + 3) | 1 << (kind + 4);
        self.image.put_u32(object.offset(48), state);
        self.image.put(object.offset(56), text.as_bytes());
        object
    }

    /// A `list` in a page of the main thread.
    pub fn list(&mut self, items: &[RemoteAddress]) -> RemoteAddress {
        let object = self.tracked(56, false);
        self.list_at(object, items);
        self.track(object);
        object
    }

    /// Writes a `list`, without the bit of the collector.
    pub fn list_at(&mut self, object: RemoteAddress, items: &[RemoteAddress]) {
        let ob_type = self.type_named("list");
        self.head(object, ob_type);
        let count = items.len() as u64;
        let array = self.allocate(8 + 8 * count);
        self.image.put_u64(array, count);
        self.put_pointers(array.offset(8), items);
        self.image.put_u64(object.offset(head::OB_SIZE), count);
        self.image.put_pointer(object.offset(40), array.offset(8));
        self.image.put_u64(object.offset(48), count);
    }

    /// A `tuple` in a page of the main thread.
    pub fn tuple(&mut self, items: &[RemoteAddress]) -> RemoteAddress {
        let first = self.abi.tuple_items;
        let object = self.tracked(first + 8 * items.len() as u64, false);
        let ob_type = self.type_named("tuple");
        self.head(object, ob_type);
        self.image
            .put_u64(object.offset(head::OB_SIZE), items.len() as u64);
        self.put_pointers(object.offset(first), items);
        self.track(object);
        object
    }

    /// A `dict` in a page of the main thread.
    pub fn dict(&mut self, entries: &[(RemoteAddress, RemoteAddress)]) -> RemoteAddress {
        let object = self.tracked(64, false);
        let ob_type = self.type_named("dict");
        self.head(object, ob_type);
        let keys = self.keys(entries);
        self.image.put_u64(object.offset(32), entries.len() as u64);
        self.image.put_pointer(object.offset(48), keys);
        self.track(object);
        object
    }

    /// A table of keys that are all `str`, with their values.
    fn keys(&mut self, entries: &[(RemoteAddress, RemoteAddress)]) -> RemoteAddress {
        let size = (entries.len() as u64 * 3 / 2 + 1)
            .next_power_of_two()
            .max(8);
        let log2 = size.trailing_zeros() as u8;
        let keys = self.allocate(32 + size + entries.len() as u64 * 16);
        self.image.put_u64(keys, 1);
        self.image.put(keys.offset(8), &[log2, log2, 1]);
        self.image.put_u64(keys.offset(24), entries.len() as u64);
        let first = keys.offset(32 + size);
        for (place, (key, value)) in (0..).zip(entries) {
            self.put_pointers(first.offset(place * 16), &[*key, *value]);
        }
        keys
    }

    /// A class whose instances keep attributes of these names inside themselves.
    pub fn class(&mut self, name: &'static str, attributes: &[&str]) -> RemoteAddress {
        let size = self.abi.heap_type_size;
        let class = self.tracked(size, false);
        let flags = HAVE_GC | HEAPTYPE | MANAGED_DICT | INLINE_VALUES;
        let object = self.type_named("object");
        self.type_at(class, name, (32, 0), flags, object);
        let text = self.text(name);
        self.image.put_pointer(class.offset(self.abi.ht_name), text);
        let module = (self.text("__module__"), self.text("app"));
        let dict = self.dict(&[module]);
        self.image.put_pointer(class.offset(TP_DICT), dict);
        let names: Vec<_> = attributes
            .iter()
            .map(|name| (self.text(name), RemoteAddress::NULL))
            .collect();
        let keys = self.keys(&names);
        // Split: the values are elsewhere.
        self.image.put(keys.offset(10), &[2]);
        let at = class.offset(self.abi.ht_cached_keys);
        self.image.put_pointer(at, keys);
        self.track(class);
        class
    }

    /// An instance of a class with its values inside, or with a dictionary instead.
    pub fn instance(
        &mut self,
        class: RemoteAddress,
        values: &[RemoteAddress],
        dict: RemoteAddress,
    ) -> RemoteAddress {
        let object = self.tracked(32 + 8 + 16 + 8 * 30, true);
        self.head(object, class);
        self.image.put_pointer(object.before(8), dict);
        let valid = u8::from(dict.is_null());
        let header = [30, values.len() as u8, 1, valid];
        self.image.put(object.offset(32), &header);
        self.put_pointers(object.offset(40), values);
        self.track(object);
        object
    }

    /// A code object with variables of these names.
    pub fn code(&mut self, names: &[&str]) -> RemoteAddress {
        let code = self.tracked(self.abi.code_size + 16, false);
        let ob_type = self.type_named("code");
        self.head(code, ob_type);
        let texts: Vec<_> = names.iter().map(|name| self.text(name)).collect();
        let tuple = self.tuple(&texts);
        let kinds = self.bytes(&vec![0x20; names.len()]);
        let (empty, name) = (self.bytes(b""), self.text("run"));
        self.image.put_u32(code.offset(80), 4);
        self.image.put_u32(code.offset(88), names.len() as u32);
        self.put_pointers(code.offset(112), &[tuple, kinds, name, name]);
        self.image.put_pointer(code.offset(152), empty);
        self.track(code);
        code
    }

    fn bytes(&mut self, bytes: &[u8]) -> RemoteAddress {
        let object = self.allocate(48 + bytes.len() as u64 + 1);
        let ob_type = self.type_named("bytes");
        self.head(object, ob_type);
        self.image.put_u64(object.offset(32), bytes.len() as u64);
        self.image.put(object.offset(48), bytes);
        object
    }

    /// A frame that runs, without an object.
    pub fn frame(&mut self, code: RemoteAddress, frame: &Frame<'_>) -> RemoteAddress {
        let f = &self.abi.frame;
        let (owner, localsplus, has_stackpointer) = (f.owner, f.localsplus, f.has_stackpointer);
        let at = self.allocate(localsplus + 8 * frame.slots.len() as u64 + 64);
        self.image
            .put_u64(at, code.get() | u64::from(has_stackpointer));
        self.image.put(at.offset(owner), &[0]);
        let slots = at.offset(localsplus);
        for (place, slot) in (0..).zip(frame.slots) {
            self.image.put_u64(slots.offset(place * 8), *slot);
        }
        if has_stackpointer {
            let end = slots.offset(8 * frame.slots.len() as u64);
            self.image.put_pointer(at.offset(64), end);
        } else {
            self.image.put_u32(at.offset(64), frame.slots.len() as u32);
        }
        at
    }

    fn type_at(
        &mut self,
        address: RemoteAddress,
        name: &str,
        (basicsize, itemsize): (u64, u64),
        flags: u64,
        base: RemoteAddress,
    ) {
        let text = self.allocate(name.len() as u64 + 1);
        self.image.put(text, name.as_bytes());
        let metatype = self.type_named("type");
        self.head(address, metatype);
        self.image.put_pointer(address.offset(TP_NAME), text);
        self.image.put_u64(address.offset(TP_BASICSIZE), basicsize);
        self.image.put_u64(address.offset(TP_ITEMSIZE), itemsize);
        self.image.put_u64(address.offset(TP_FLAGS), flags | READY);
        self.image.put_pointer(address.offset(TP_BASE), base);
    }
}
