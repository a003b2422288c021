//! Fake memory images of CPython, for tests of what reads such memory.
//!
//! A [`Heap`] lays out a tiny interpreter: objects, types, one thread with frames, and the
//! collector's lists; [`Heap::finish`] makes an [`Image`] of it that can be read like a
//! process, damaged at will, and read again. The offsets are written here again, from
//! CPython's headers, and never taken from the tables that they are to test: a wrong offset
//! can't cancel out.
//!
//! Entry points: [`Heap::new`], [`Heap::finish`], [`Image`].

#![allow(clippy::panic)] // For tests only: a heap that can't be built must end the test.

mod abi;
mod abi_new;
mod abi_old;
mod class;
mod containers;
mod dict;
mod everything;
mod frame;
mod frame_object;
mod free_threaded;
mod heap;
mod image;
mod instance;
pub mod offset;
mod process;
mod text;
mod types;

pub use abi::Python;
pub use class::{Class, ClassSpec};
pub use dict::SharedKeys;
pub use everything::everything;
pub use frame::{Code, FrameSpec, Owner, State, Variable};
pub use free_threaded::{
    Frame as FreeFrame, FreeHeap, FreeList, FreeProcess, FreeThreaded, GC, GC_PRE, OBJECT, Page,
    PageSpec, Segment,
};
pub use heap::Heap;
pub use image::Image;
pub use instance::Instance;
pub use process::Process;
pub use text::{Storage, Text};
