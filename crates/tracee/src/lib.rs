//! The Linux side of a capture: freezing, cloning and reading a process.
//!
//! The order of a capture:
//!
//! 1. [`Process::open`] checks that the process can be a target at all.
//! 2. [`Frozen::freeze`] stops every thread of it.
//! 3. [`Frozen::fork`] makes a copy of it, a [`ProcessClone`].
//! 4. [`Frozen::release`] lets it run again, after milliseconds.
//! 5. The copy is read at leisure through [`LiveMemory`], and discarded. Functions of the target
//!    can be called in it: [`Traverser`].
//!
//! Of a process that is gone, a core file may be left: [`CoreFile`].
//!
//! Every guard undoes its work when it is dropped, on unwinding too. All of the tracing is
//! done by a small process of its own, which outlives a killed tool for as long as it
//! takes to leave the target running, untraced and without a zombie: see
//! [`Frozen::freeze`].
//!
//! This crate is the only home of `unsafe` in the workspace.

mod access;
mod allocator;
mod arch;
mod batch;
mod capture;
mod cgroup;
mod confinement;
mod core;
mod descriptors;
mod driver;
mod elf;
mod errors;
mod guardian;
mod keeper;
mod live;
mod mapped;
mod mappings;
mod pagemap;
mod patch;
mod process;
mod processes;
mod protocol;
mod python;
mod resident;
mod routine;
mod smaps;
mod static_data;
mod symbols;
mod tracer;
mod tracing;
mod traverser;

pub use access::{AttachFacts, Obstacle};
pub use allocator::CAllocator;
pub use capture::{Frozen, ProcessClone, ThreadStop};
pub use confinement::{CloneStatus, ConfineError, Confined, Confinement};
pub use core::{
    BuildId, CoreError, CoreFile, CoreMemory, CoreProcess, MissingFile, Places, WhyMissing,
};
pub use descriptors::{send as send_descriptor, write_to_stderr_of};
pub use errors::{CloneError, DiscardError, FreezeError, StuckReason, StuckThread};
pub use keeper::{KeptError, kept_clones};
pub use live::LiveMemory;
pub use mapped::MappedFiles;
pub use mappings::{Mapping, Mappings, MappingsError, Permissions};
pub use patch::Patch;
pub use process::{OpenError, Pid, Process};
pub use processes::{PythonProcess, list_processes};
pub use protocol::Will;
pub use python::{Linking, LocateError, PythonImage};
pub use resident::ResidentPages;
pub use routine::{Argument, DataId, Routine, StepId};
pub use smaps::MappingUsage;
pub use static_data::{StaticVariables, static_variables};
pub use symbols::{SymbolLocation, find_symbol, find_symbols};
pub use tracer::{Channel, InjectionError, Tracer};
pub use traverser::{Call, CallFailure, CallLimits, Function, Traverser, TraverserError, Visited};
