//! The tables in memory.

mod analysis;
mod digests;
mod id;
mod memory;
mod metadata;
mod objects;
mod process;
mod references;
mod types;
mod values;

pub use analysis::{AnalysisRow, AnalysisRows, KindSummary, StoredAnalysis, Summary};
pub use digests::Digests;
pub use id::{KindId, NameId, ObjectId, TypeId};
pub use memory::{CAllocator, GlibcHeaps, MallocInfo, MemoryFacts, Mimalloc, Portion, Pymalloc};
pub use metadata::{Capture, CaptureMode, Counts, Diagnostic, Metadata, Process, ValuesKept};
pub use objects::{ObjectFlags, Objects};
pub use process::{Frame, Mapping, Root, RootCategory, SuspendedFrame, Thread};
pub use references::{Reference, References, ReferencesOverflow, Relation};
pub use types::{Kind, KindShape, Type, TypeFlags};
pub use values::{Value, ValueForm, Values};

/// The heap of one process at one moment.
///
/// Rows refer to each other by number: [`ObjectId`] is an index into [`Objects`],
/// [`KindId`] into `kinds`, [`TypeId`] into `types`, [`NameId`] into `names`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Process, capture, counts and diagnostics: what `snapshot.json` says.
    pub metadata: Metadata,
    /// One row for each object, sorted by address.
    pub objects: Objects,
    /// What each object refers to.
    pub references: References,
    /// Every type that has instances in the snapshot, or is itself an object in it.
    pub types: Vec<Type>,
    /// heapy's kinds: a type, or the dictionaries of a type's instances.
    pub kinds: Vec<Kind>,
    /// Names of struct fields and attributes, used by [`Relation::Attribute`] and
    /// [`Relation::Interior`].
    pub names: Vec<String>,
    /// Where reachability begins.
    pub roots: Vec<Root>,
    /// Threads of the process that run Python.
    pub threads: Vec<Thread>,
    /// The Python frames of those threads, each thread's oldest first.
    pub frames: Vec<Frame>,
    /// Frames of generators and coroutines that don't run, sorted by object. Empty in
    /// snapshots before version 3.
    pub suspended: Vec<SuspendedFrame>,
    /// The mappings of the process's address space.
    pub mappings: Vec<Mapping>,
    /// Contents of strings and numbers, as far as they were kept.
    pub values: Values,
    /// Digests of the contents of which `values` has only the beginning, as far as that was
    /// asked for.
    pub digests: Digests,
}

impl Snapshot {
    /// The kind of an object.
    pub fn kind(&self, object: ObjectId) -> &Kind {
        &self.kinds[self.objects.kind[object.index()].index()]
    }

    /// The type of an object.
    pub fn type_of(&self, object: ObjectId) -> &Type {
        &self.types[self.kind(object).type_id.index()]
    }
}
