//! From a CPython runtime in memory to objects, references and roots.
//!
//! The walk has two passes over the heap, each by several threads. The first finds out
//! which addresses are objects: the garbage collector's lists give every tracked one, and
//! all others are found by reference from those and from the roots. The second, when every
//! object has a number, reads what each is and what it refers to, and builds the tables of
//! the [`Snapshot`](exuvia_snapshot::Snapshot)(exuvia_snapshot::Snapshot). Reading twice costs less than keeping addresses of twice the size in
//! between.
//!
//! The target's memory is hostile input: every length, depth and count that comes from it is
//! bounded, and what can't be read becomes a counted diagnostic.
//!
//! Entry points: [`walk`], [`walk_with_native`], [`is_safe_moment`].

mod assemble;
mod census;
mod decode;
mod describe;
mod diagnostics;
mod digest;
mod discover;
mod explore;
mod extent;
mod gc;
mod generations;
mod interned;
mod kinds;
mod lines;
mod marks;
mod mimalloc;
mod names;
mod native;
mod number;
mod owners;
mod process;
mod queued;
mod reader;
mod refcount;
mod roots;
mod runtime;
mod settle;
mod shared_collector;
mod sink;
mod slots;
mod suspended;
mod text;
mod types;
mod values;
mod variables;
mod walk;

pub use census::{Census, CensusPlace, census};
pub use gc::is_safe_moment;
pub use native::{
    GetterCall, GetterOutcome, NativeCall, NativeLimits, NativeOutcome, NativeTraverse,
    NativeUnavailable, NativeVisits,
};
pub use variables::StaticData;
pub use walk::{
    Absent, AbsentReason, NoProgress, Progress, Target, WalkError, WalkOptions, walk,
    walk_with_native,
};
