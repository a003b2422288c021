//! Types that no table describes, asked by their own `tp_traverse`.
//!
//! Code of the target runs only in a copy of it, and who can do that gives the walk a
//! [`NativeTraverse`]. The walk finds objects of such types in its first pass, has them
//! traversed in rounds until no object is new, and names what was visited in the second; what
//! has no name then may get one from the type's getters.

mod getters;
mod referents;
mod rounds;
mod subtype;

pub(crate) use getters::{Place, name, places};
pub(crate) use referents::NativeView;
pub(crate) use rounds::Natives;
pub(crate) use subtype::subtype_traverse;

use crate::decode::module;
use crate::reader::Reader;
use crate::types::{Family, NativeType, TypeInfo};
use exuvia_cpython::type_flags;
use exuvia_memory::{Memory, RemoteAddress};
use std::time::Duration;

/// How many traversals of a type may fail before it is given up.
pub(crate) const MAX_FAILED_TRAVERSALS: u64 = 3;

/// Who calls functions of the target in a copy of it.
pub trait NativeTraverse {
    /// Makes calls in their order, and adds a row to `visits` for each that came back. It may
    /// end after any number of them, but at least one; a call that does not come back ends
    /// it and has no row, nor has one that visits more than it may.
    fn traverse(
        &mut self,
        calls: &[NativeCall],
        limits: &NativeLimits,
        visits: &mut NativeVisits,
    ) -> Result<NativeOutcome, NativeUnavailable>;

    /// Calls getters in their order, and adds what they return to `answers`, null included, for
    /// each that came back. It may end after any number of them, but at least one; a getter that
    /// does not come back ends it and has no answer. `time` is how long all may take.
    fn get(
        &mut self,
        calls: &[GetterCall],
        time: Duration,
        answers: &mut Vec<RemoteAddress>,
    ) -> Result<GetterOutcome, NativeUnavailable>;
}

/// How much calls may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NativeLimits {
    /// How many objects one call may visit.
    pub call_visits: usize,
    /// How many objects all may visit.
    pub total_visits: usize,
    /// How long all may take.
    pub time: Duration,
}

/// An object, and a getter of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetterCall {
    /// The object.
    pub object: RemoteAddress,
    /// `PyObject *get(object, closure)`.
    pub get: RemoteAddress,
    /// What the type has for this getter.
    pub closure: RemoteAddress,
}

/// How a run of getters ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GetterOutcome {
    /// All that were called came back.
    Returned,
    /// The one after those crashed, or tried what it may not.
    Failed,
    /// The one after those took too long.
    Hung,
    /// All together took too long.
    OutOfTime,
}

/// An object, and what is to be called for it: functions of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NativeCall {
    /// The object.
    pub object: RemoteAddress,
    /// `tp_traverse` of its type.
    pub traverse: RemoteAddress,
    /// `tp_is_gc` of its type, or null. Where it returns 0, nothing is traversed.
    pub is_gc: RemoteAddress,
}

/// What calls visited: a row for each, in compressed form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativeVisits {
    /// For each call, where its referents end.
    pub ends: Vec<usize>,
    /// What the calls visited, in their order.
    pub referents: Vec<RemoteAddress>,
}

/// How a run of calls ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NativeOutcome {
    /// All that were made came back.
    Returned,
    /// The call after those did not, because of this: `SIGSEGV`.
    Failed(String),
    /// All together took too long.
    OutOfTime,
}

/// Why no calls can be made, or no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NativeUnavailable(pub String);

/// How an object is asked what it refers to; `None` for one that the tables describe, and for
/// one that can't be asked.
pub(crate) fn of<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    info: &TypeInfo,
) -> Option<NativeType> {
    match info.family {
        Family::Module => module::has_unknown_traverse(reader, object).then_some(NativeType {
            traverse: info.traverse,
            is_gc: RemoteAddress::NULL,
        }),
        // `type_traverse` aborts on a static type.
        Family::Type => info.native.filter(|_| is_heap_type(reader, object)),
        _ => info.native,
    }
}

fn is_heap_type<M: Memory>(reader: &mut Reader<'_, M>, object: RemoteAddress) -> bool {
    let tp_flags = reader.layout.structs.py_type_object.tp_flags;
    let flags = reader.cache.u64(object.offset(tp_flags));
    flags.is_ok_and(|flags| flags & type_flags::HEAPTYPE != 0)
}
