//! Fake memory of free-threaded builds: their wider objects, with two reference counts and no
//! collector's head, in the pages of mimalloc's segments.
//!
//! Only what is different from other builds is faked; what the walker does with each sort of
//! object is tested with [`Heap`](crate::Heap).

mod abi;
mod objects;
mod segments;

use std::collections::BTreeMap;
use std::ops::Range;

use exuvia_memory::RemoteAddress;

use crate::Image;
use abi::Abi;
pub use abi::FreeThreaded;
pub use objects::Frame;
pub use segments::{FreeList, Page, PageSpec, Segment};

const PROGRAM: u64 = 0x5555_5560_0000;
const ALLOCATED: u64 = 0x7f12_3450_0000;

/// `_Py_MIMALLOC_HEAP_GC`, `_Py_MIMALLOC_HEAP_GC_PRE`: the numbers of the heaps, and the tags
/// of their pages, that hold objects of the collector.
pub const GC: u64 = 2;
/// The same for objects with their dictionary and weak references before them.
pub const GC_PRE: u64 = 3;
/// The heap of other objects.
pub const OBJECT: u64 = 1;
/// Heaps of a thread.
const HEAPS: u64 = 4;

/// `PyObject`
mod head {
    pub(super) const OB_GC_BITS: u64 = 11;
    pub(super) const OB_REF_LOCAL: u64 = 12;
    pub(super) const OB_REF_SHARED: u64 = 16;
    pub(super) const OB_TYPE: u64 = 24;
    /// `PyVarObject`
    pub(super) const OB_SIZE: u64 = 32;
}

/// A free-threaded process that is being laid out.
pub struct FreeHeap {
    build: FreeThreaded,
    abi: &'static Abi,
    /// The memory so far; a test may write to it what no method does.
    pub image: Image,
    /// `_PyRuntime`
    pub runtime: RemoteAddress,
    /// The main `PyInterpreterState`.
    pub interpreter: RemoteAddress,
    /// Its first `PyThreadState`.
    pub thread: RemoteAddress,
    /// The innermost frame of that thread; null as long as none runs.
    pub innermost: RemoteAddress,
    /// Interpreters, and the threads of each.
    interpreters: Vec<(RemoteAddress, Vec<RemoteAddress>)>,
    types: BTreeMap<&'static str, RemoteAddress>,
    held: Vec<(RemoteAddress, RemoteAddress)>,
    segment: Segment,
    /// Of the main thread, by tag and size of the blocks.
    pages: BTreeMap<(u64, u64), Page>,
    segments: u64,
    tracked: Vec<RemoteAddress>,
    next_static: u64,
    next: u64,
}

/// A free-threaded process that can be read.
#[derive(Debug, Clone)]
pub struct FreeProcess {
    /// Its memory.
    pub image: Image,
    /// The address of `_PyRuntime`.
    pub runtime: RemoteAddress,
    /// The main `PyInterpreterState`.
    pub interpreter: RemoteAddress,
    /// The part of memory that is the program's image.
    pub program: Range<u64>,
    /// Every object that has the bit of the collector, where the collector would find it.
    pub tracked: Vec<RemoteAddress>,
}

impl FreeHeap {
    /// An interpreter with one thread, its built-in types, and nothing else.
    pub fn new(build: FreeThreaded) -> Self {
        let mut heap = Self {
            build,
            abi: build.abi(),
            image: Image::default(),
            runtime: RemoteAddress::NULL,
            interpreter: RemoteAddress::NULL,
            thread: RemoteAddress::NULL,
            innermost: RemoteAddress::NULL,
            interpreters: Vec::new(),
            types: BTreeMap::new(),
            held: Vec::new(),
            segment: Segment::default(),
            pages: BTreeMap::new(),
            segments: 0,
            tracked: Vec::new(),
            next_static: PROGRAM,
            next: ALLOCATED,
        };
        heap.runtime = heap.in_program(0x4000);
        heap.interpreter = heap.another_interpreter();
        heap.thread = heap.another_thread(heap.interpreter);
        heap.segment = heap.segment();
        objects::built_in(&mut heap);
        heap
    }

    /// One more interpreter, without threads.
    pub fn another_interpreter(&mut self) -> RemoteAddress {
        let address = self.in_program(self.abi.interpreter.size);
        self.interpreters.push((address, Vec::new()));
        if self.abi.mimalloc.is_new() {
            let subprocess = self.allocate(64);
            let at = address.offset(self.abi.interpreter.abandoned.0);
            self.image.put_pointer(at, subprocess);
        }
        address
    }

    /// One more thread of an interpreter.
    pub fn another_thread(&mut self, interpreter: RemoteAddress) -> RemoteAddress {
        let address = self.allocate(self.abi.thread.size);
        let tld = address.offset(self.abi.thread.tld);
        for number in 0..HEAPS {
            let heap = self.heap_of(address, number);
            self.image.put_pointer(heap, tld);
        }
        for (known, threads) in &mut self.interpreters {
            if *known == interpreter {
                threads.push(address);
            }
        }
        address
    }

    /// A heap of a thread, by its number.
    pub fn heap_of(&self, thread: RemoteAddress, number: u64) -> RemoteAddress {
        let size = self.abi.mimalloc.heap_size;
        thread.offset(self.abi.thread.heaps + number * size)
    }

    /// Puts an object under a name into the dictionary of the module `builtins`, a root.
    pub fn hold(&mut self, name: &str, object: RemoteAddress) {
        let name = self.text(name);
        self.held.push((name, object));
    }

    /// Says that the allocators are debugged, which put 16 bytes before each object.
    pub fn debug_allocators(&mut self) {
        let at = self.runtime.offset(self.abi.runtime.is_debug_enabled);
        self.image.put_u32(at, 1);
    }

    /// Says that a thread has asked all others of the main interpreter to stop.
    pub fn request_stop(&mut self) {
        let at = self.interpreter.offset(self.abi.interpreter.stop_requested);
        self.image.put(at, &[1]);
    }

    /// The same for those of all interpreters.
    pub fn request_stop_of_all(&mut self) {
        let at = self.runtime.offset(self.abi.runtime.stop_requested);
        self.image.put(at, &[1]);
    }

    /// Says that the main interpreter's collector is at work.
    pub fn collect(&mut self) {
        let at = self.interpreter.offset(self.abi.interpreter.collecting);
        self.image.put_u32(at, 1);
    }

    /// Lets objects wait in the queue of the main thread until their counts are added up.
    pub fn queue(&mut self, objects: &[RemoteAddress]) {
        let chunk = self.allocate(2048);
        self.image.put_u64(chunk.offset(8), objects.len() as u64);
        self.put_pointers(chunk.offset(16), objects);
        let head = self.thread.offset(self.abi.thread.objects_to_merge);
        let before = self.image.pointer(head);
        self.image.put_pointer(chunk, before);
        self.image.put_pointer(head, chunk);
    }

    /// The finished process.
    pub fn finish(mut self) -> FreeProcess {
        let held = std::mem::take(&mut self.held);
        let builtins = self.dict(&held);
        let (sysdict, modules) = (self.dict(&[]), self.dict(&[]));
        let (r, i, t) = (&self.abi.runtime, &self.abi.interpreter, &self.abi.thread);
        let image = &mut self.image;
        let mut link = self.runtime.offset(r.interpreters_head);
        for (id, (interpreter, threads)) in self.interpreters.iter().enumerate().rev() {
            image.put_pointer(link, *interpreter);
            image.put_u64(interpreter.offset(i.id), id as u64);
            image.put_pointer(interpreter.offset(i.runtime), self.runtime);
            image.put_pointer(interpreter.offset(i.sysdict), sysdict);
            let mut next = interpreter.offset(i.threads_head);
            for (n, thread) in threads.iter().enumerate().rev() {
                let n = n as u64 + 1;
                image.put_pointer(next, *thread);
                image.put_pointer(thread.offset(16), *interpreter);
                image.put_u64(thread.offset(t.thread_id), 140_000 + n);
                image.put_u64(thread.offset(t.native_thread_id), n);
                next = thread.offset(8);
            }
            link = interpreter.offset(i.next);
        }
        image.put_pointer(self.thread.offset(72), self.innermost);
        image.put_pointer(self.interpreter.offset(i.builtins), builtins);
        image.put_pointer(self.interpreter.offset(i.modules), modules);
        FreeProcess {
            program: PROGRAM
                ..self
                    .next_static
                    .next_multiple_of(exuvia_memory::PAGE_SIZE as u64),
            image: self.image,
            runtime: self.runtime,
            interpreter: self.interpreter,
            tracked: self.tracked,
        }
    }

    /// A block of zeros outside of mimalloc's segments.
    pub fn allocate(&mut self, size: u64) -> RemoteAddress {
        let start = self.next;
        self.next = (start + size).next_multiple_of(16);
        self.image.map(start..self.next);
        RemoteAddress::new(start)
    }

    fn in_program(&mut self, size: u64) -> RemoteAddress {
        let start = self.next_static;
        self.next_static = (start + size).next_multiple_of(16);
        self.image.map(start..self.next_static);
        RemoteAddress::new(start)
    }

    fn put_pointers(&mut self, start: RemoteAddress, targets: &[RemoteAddress]) {
        for (place, &target) in (0..).zip(targets) {
            self.image.put_pointer(start.offset(place * 8), target);
        }
    }
}
