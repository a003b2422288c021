//! What each CPython build looks like in memory: layouts as data.
//!
//! A [`Layout`] is a table of field offsets ([`Structs`]), the types whose references are
//! fixed fields ([`TypeLayout`]), the object pointers of the interpreter's own state
//! ([`Roots`]), and closed enums for what is not an offset ([`Shapes`]). The tables lie in
//! `layouts/*.toml`, written by `cargo xtask layouts` from DWARF. This is the only crate
//! that compares versions; all others ask the layout.
//!
//! Entry points: [`Version::from_hex`], [`Layout::for_version`], and [`Layout::fit`], which
//! checks a table against a target and corrects it from what the target says of itself.

mod constants;
mod debug_offsets;
pub mod eval_breaker_bits;
pub mod gc_bits;
mod identify;
mod layout;
pub mod mimalloc;
mod moved;
mod pending_calls;
mod pymalloc;
mod quirks;
mod shapes;
pub mod spec;
mod stack_ref;
mod structs;
pub mod type_flags;
mod types;
mod validate;
mod variants;
mod version;

pub use constants::{CONSTANTS, Constants};
pub use debug_offsets::Disagreement;
pub use layout::{Layout, UnsupportedVersion};
pub use pymalloc::Pymalloc;
pub use shapes::{
    CurrentFrame, DictKeys, DictValues, EvalBreaker, ExceptionState, Frame, GcLists, Gil, Immortal,
    InstanceDict, IntRepr, LineTable, PendingCalls, Refcount, Shapes, StaticTypes,
};
pub use stack_ref::StackRef;
pub use structs::*;
pub use types::{Access, FieldReference, InvalidReference, Roots, Strength, TypeLayout};
pub use validate::Invalid;
pub use variants::Variant;
pub use version::{Flavor, InvalidVersion, ReleaseLevel, Version};
