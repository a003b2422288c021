use std::collections::BTreeMap;
use std::ops::Range;

use exuvia_memory::RemoteAddress;

use crate::abi::Abi;
use crate::offset;
use crate::{Image, Process, Python, types};

/// Where the image of the program lies: the runtime, the interpreter and static objects.
const PROGRAM: u64 = 0x5555_5560_0000;
/// Where allocated memory lies.
const ALLOCATED: u64 = 0x7f12_3450_0000;

/// A heap that is being laid out.
///
/// Objects are put one after the other, each at the address that its method returns.
pub struct Heap {
    pub(crate) python: Python,
    pub(crate) abi: &'static Abi,
    /// The memory so far; a test may write to it what no method does.
    pub image: Image,
    /// `_PyRuntime`.
    pub runtime: RemoteAddress,
    /// The `PyInterpreterState`.
    pub interpreter: RemoteAddress,
    /// The `PyThreadState`.
    pub thread: RemoteAddress,
    /// `None`
    pub none: RemoteAddress,
    /// The innermost frame of the thread; null as long as none runs.
    pub innermost: RemoteAddress,
    pub(crate) types: BTreeMap<&'static str, RemoteAddress>,
    pub(crate) tracked: Vec<RemoteAddress>,
    next_static: u64,
    next: u64,
    globals: Vec<(RemoteAddress, RemoteAddress)>,
}

impl Heap {
    /// An interpreter with its built-in types and nothing else.
    pub fn new(python: Python) -> Self {
        let mut heap = Self {
            python,
            abi: python.abi(),
            image: Image::default(),
            runtime: RemoteAddress::NULL,
            interpreter: RemoteAddress::NULL,
            thread: RemoteAddress::NULL,
            none: RemoteAddress::NULL,
            innermost: RemoteAddress::NULL,
            types: BTreeMap::new(),
            tracked: Vec::new(),
            next_static: PROGRAM,
            next: ALLOCATED,
            globals: Vec::new(),
        };
        heap.runtime = heap.in_program(heap.abi.runtime.size);
        heap.interpreter = heap.in_program(heap.abi.interpreter.size);
        heap.thread = heap.allocate(heap.abi.thread.size);
        types::built_in(&mut heap);
        heap.none = heap.in_program(16);
        heap.head(heap.none, "NoneType");
        heap
    }

    /// A built-in type by its `tp_name`.
    pub fn type_named(&self, tp_name: &str) -> RemoteAddress {
        match self.types.get(tp_name) {
            Some(&address) => address,
            None => panic!("there is no built-in type '{tp_name}' here"),
        }
    }

    /// Puts an object under a name into the dictionary of the module `builtins`, a root.
    pub fn hold(&mut self, name: &str, object: RemoteAddress) {
        let name = self.text(name);
        self.globals.push((name, object));
    }

    /// The finished process.
    pub fn finish(mut self) -> Process {
        let built_in: Vec<_> = self.types.iter().map(|(&name, &at)| (name, at)).collect();
        let public = |&(name, _): &(&str, _)| types::PUBLIC.contains(&name);
        for (name, address) in built_in.into_iter().filter(public) {
            self.hold(name, address);
        }
        let globals = std::mem::take(&mut self.globals);
        crate::process::finish(self, &globals)
    }

    /// A block of zeros, aligned like pymalloc's.
    pub fn allocate(&mut self, size: u64) -> RemoteAddress {
        let start = self.next;
        self.next = (start + size).next_multiple_of(16);
        self.image.map(start..self.next);
        RemoteAddress::new(start)
    }

    /// A block that ends where readable memory ends.
    pub fn allocate_before_hole(&mut self, size: u64) -> RemoteAddress {
        const PAGE: u64 = exuvia_memory::PAGE_SIZE as u64;
        let end = (self.next + size).next_multiple_of(PAGE);
        self.image.map(self.next..end);
        self.next = end + PAGE;
        RemoteAddress::new(end - size)
    }

    /// Room for an object with the collector's head before it, so many bytes long.
    pub(crate) fn allocate_tracked(&mut self, size: u64) -> RemoteAddress {
        let object = self
            .allocate(offset::GC_HEAD + size)
            .offset(offset::GC_HEAD);
        self.tracked.push(object);
        object
    }

    /// Takes an object out of the collector's lists.
    pub fn untrack(&mut self, object: RemoteAddress) {
        self.tracked.retain(|&tracked| tracked != object);
    }

    /// Room for a static object or a variable of C code, zeroed.
    pub fn in_program(&mut self, size: u64) -> RemoteAddress {
        let start = self.next_static;
        self.next_static = (start + size).next_multiple_of(16);
        self.image.map(start..self.next_static);
        RemoteAddress::new(start)
    }

    pub(crate) fn program(&self) -> Range<u64> {
        PROGRAM
            ..self
                .next_static
                .next_multiple_of(exuvia_memory::PAGE_SIZE as u64)
    }

    /// Writes the reference count, 1, and the type of an object.
    pub(crate) fn head(&mut self, object: RemoteAddress, tp_name: &str) {
        let ob_type = self.type_named(tp_name);
        self.head_of(object, ob_type);
    }

    pub(crate) fn head_of(&mut self, object: RemoteAddress, ob_type: RemoteAddress) {
        self.image.put_u64(object, 1);
        self.image
            .put_pointer(object.offset(offset::OB_TYPE), ob_type);
    }

    pub(crate) fn put_u64(&mut self, object: RemoteAddress, at: u64, value: u64) {
        self.image.put_u64(object.offset(at), value);
    }

    pub(crate) fn put_u32(&mut self, object: RemoteAddress, at: u64, value: u32) {
        self.image.put_u32(object.offset(at), value);
    }

    pub(crate) fn put_pointer(&mut self, object: RemoteAddress, at: u64, target: RemoteAddress) {
        self.image.put_pointer(object.offset(at), target);
    }

    pub(crate) fn put_pointers(&mut self, start: RemoteAddress, targets: &[RemoteAddress]) {
        for (place, &target) in (0..).zip(targets) {
            self.image.put_pointer(start.offset(place * 8), target);
        }
    }

    /// A C string.
    pub(crate) fn c_string(&mut self, text: &str) -> RemoteAddress {
        let start = self.allocate(text.len() as u64 + 1);
        self.image.put(start, text.as_bytes());
        self.image.put(start.offset(text.len() as u64), &[0]);
        start
    }
}
