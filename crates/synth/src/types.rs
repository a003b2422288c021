//! Static types.

use exuvia_memory::RemoteAddress;

use crate::abi::FramesAbi;
use crate::containers::deque_size;
use crate::offset;
use crate::{Heap, Python, frame_object};

pub(crate) const INLINE_VALUES: u64 = 1 << 2;
pub(crate) const MANAGED_WEAKREF: u64 = 1 << 3;
pub(crate) const MANAGED_DICT: u64 = 1 << 4;
pub(crate) const HEAPTYPE: u64 = 1 << 9;
pub(crate) const BASETYPE: u64 = 1 << 10;
pub(crate) const READY: u64 = 1 << 12;
pub(crate) const HAVE_GC: u64 = 1 << 14;
const LONG_SUBCLASS: u64 = 1 << 24;
const LIST_SUBCLASS: u64 = 1 << 25;
const TUPLE_SUBCLASS: u64 = 1 << 26;
const BYTES_SUBCLASS: u64 = 1 << 27;
const UNICODE_SUBCLASS: u64 = 1 << 28;
const DICT_SUBCLASS: u64 = 1 << 29;
const TYPE_SUBCLASS: u64 = 1 << 31;

/// The flags that a subclass has as its base has them.
pub(crate) const INHERITED: u64 = HAVE_GC | 0xff << 24;

/// The built-in types here that the module `builtins` names.
pub(crate) const PUBLIC: [&str; 10] = [
    "object", "type", "int", "float", "str", "bytes", "tuple", "list", "dict", "set",
];

struct Static {
    tp_name: &'static str,
    basicsize: u64,
    itemsize: u64,
    flags: u64,
}

/// The built-in types, `object` first.
fn all(heap: &Heap) -> Vec<Static> {
    let abi = heap.abi;
    let one = |tp_name, basicsize, itemsize, flags| Static {
        tp_name,
        basicsize,
        itemsize,
        flags,
    };
    let (code, frame, generator) = match &abi.frames {
        // A frame has room for the first of its places.
        FramesAbi::Object(abi) => (
            one("code", frame_object::code_size(), 0, 0),
            abi.f_localsplus + 8,
            one("generator", abi.generator, 0, HAVE_GC),
        ),
        FramesAbi::Interpreter(abi) => (
            one("code", abi.code.co_code_adaptive, 2, 0),
            abi.frame.object_data + abi.frame.localsplus,
            one(
                "generator",
                abi.generator.gi_iframe + abi.frame.localsplus,
                8,
                HAVE_GC,
            ),
        ),
    };
    vec![
        one("object", 16, 0, 0),
        one("type", abi.heap_type.size, 40, HAVE_GC | TYPE_SUBCLASS),
        one("int", 24, 4, LONG_SUBCLASS),
        one("float", 24, 0, 0),
        one("str", abi.text.legacy, 0, UNICODE_SUBCLASS),
        one("bytes", 33, 1, BYTES_SUBCLASS),
        one("tuple", abi.tuple_items, 8, HAVE_GC | TUPLE_SUBCLASS),
        one("list", 40, 0, HAVE_GC | LIST_SUBCLASS),
        one("dict", 48, 0, HAVE_GC | DICT_SUBCLASS),
        one("set", 200, 0, HAVE_GC),
        one("collections.deque", deque_size(heap.python), 0, HAVE_GC),
        one("collections.OrderedDict", 112, 0, HAVE_GC | DICT_SUBCLASS),
        one("cell", 24, 0, HAVE_GC),
        code,
        one("frame", frame, 8, HAVE_GC),
        generator,
        one("NoneType", 16, 0, 0),
    ]
}

/// Lays out all built-in types, which refer to each other.
pub(crate) fn built_in(heap: &mut Heap) {
    let all = all(heap);
    for one in &all {
        let address = heap.in_program(heap.abi.heap_type.type_size);
        heap.types.insert(one.tp_name, address);
    }
    let object = heap.type_named("object");
    for (place, one) in (0..).zip(&all) {
        let address = heap.type_named(one.tp_name);
        let base = match one.tp_name {
            "object" => RemoteAddress::NULL,
            _ => object,
        };
        fill(heap, address, one, base);
        if heap.abi.interpreter.static_types.is_some() {
            state(heap, address, place);
        }
    }
}

impl Heap {
    /// A static type of an extension, known to no table: its instances are `basicsize`
    /// bytes long.
    pub fn extension_type(&mut self, tp_name: &'static str, basicsize: u64) -> RemoteAddress {
        let address = self.in_program(self.abi.heap_type.type_size);
        let one = Static {
            tp_name,
            basicsize,
            itemsize: 0,
            flags: HAVE_GC,
        };
        let base = self.type_named("object");
        fill(self, address, &one, base);
        address
    }

    /// The static object that takes the place of members that are removed from a set.
    pub fn removed_member(&mut self) -> RemoteAddress {
        let of_type = self.extension_type("<dummy key> type", 16);
        let dummy = self.in_program(16);
        self.image.put_u64(dummy, 1);
        self.image.put_pointer(dummy.offset(8), of_type);
        dummy
    }

    /// The address at which a static type keeps its dictionary: the field of the type, or
    /// from 3.12 on that of its state in the interpreter.
    pub fn static_dict_slot(&self, tp_name: &str) -> RemoteAddress {
        let address = self.type_named(tp_name);
        match &self.abi.interpreter.static_types {
            None => address.offset(offset::TP_DICT),
            Some(states) => {
                let place = self.image.u64(address.offset(offset::TP_SUBCLASSES)) - 1;
                let array = self.interpreter.offset(states.array);
                array.offset(place * states.size + states.tp_dict)
            }
        }
    }

    /// The address at which a static type keeps the dictionary of its subclasses.
    pub fn static_subclasses_slot(&self, tp_name: &str) -> RemoteAddress {
        match &self.abi.interpreter.static_types {
            None => self.type_named(tp_name).offset(offset::TP_SUBCLASSES),
            Some(states) => self
                .static_dict_slot(tp_name)
                .before(states.tp_dict)
                .offset(states.tp_subclasses),
        }
    }
}

fn fill(heap: &mut Heap, address: RemoteAddress, one: &Static, base: RemoteAddress) {
    let name = heap.in_program(one.tp_name.len() as u64 + 1);
    heap.image.put(name, one.tp_name.as_bytes());
    heap.image.put(name.offset(one.tp_name.len() as u64), &[0]);
    heap.head(address, "type");
    if heap.python >= Python::V3_12 {
        // Immortal.
        heap.image.put_u64(address, 0xffff_ffff);
    }
    heap.put_pointer(address, offset::TP_NAME, name);
    heap.put_u64(address, offset::TP_BASICSIZE, one.basicsize);
    heap.put_u64(address, offset::TP_ITEMSIZE, one.itemsize);
    heap.put_u64(address, offset::TP_FLAGS, one.flags | READY | BASETYPE);
    heap.put_pointer(address, offset::TP_BASE, base);
}

/// Gives a static type its state in the interpreter, whose place stands in the type.
fn state(heap: &mut Heap, address: RemoteAddress, place: u64) {
    let Some(states) = &heap.abi.interpreter.static_types else {
        return;
    };
    let at = heap.interpreter.offset(states.array + place * states.size);
    heap.image.put_pointer(at, address);
    heap.put_u64(address, offset::TP_SUBCLASSES, place + 1);
}
