//! What every view asks of a heap: tables, selections, shortest paths, single objects.
//!
//! [`Heap`] is the entry point: it owns one snapshot and answers questions about it in plain
//! data, which views print or serialise. Nothing here knows a terminal, a file or a version
//! of CPython.

mod analysis;
mod attributes;
mod avoid;
mod check;
mod classes;
mod classifier;
mod comparison;
mod details;
mod dominators;
mod expression;
mod heap;
mod history;
mod identity;
mod instance_repr;
mod key_order;
mod leaks;
mod limits;
mod liveness;
mod memory;
mod merged;
mod modules;
mod neighbours;
mod origins;
mod outside;
mod partition;
mod path;
mod path_options;
mod path_order;
mod paths;
mod pattern;
mod pattern_line;
mod python_text;
mod relation_rows;
mod relation_text;
mod rendering;
mod repr;
mod selection;
mod selection_error;
mod similar;
mod threads;
mod tree;
mod trend;
mod type_names;
mod waste;

pub use analysis::AnalysisStore;
pub use avoid::{AvoidError, AvoidedEdge};
pub use check::{Limitation, Measure, Verdict};
pub use classifier::{By, Classifier};
pub use comparison::{
    Difference, DifferenceRow, Fates, GrownTwice, GrowthRow, Matching, NewObjects,
};
pub use details::{Excerpt, ObjectDetails, ObjectSummary, Referent, Referrer};
pub use dominators::{Dominators, Retained};
pub use expression::{
    Condition, Expression, ExpressionError, Field, FieldForm, Literal, Operator, Test,
    unit_of_bytes,
};
pub use heap::Heap;
pub use history::{Change, History, HistoryRow};
pub use leaks::{KeptKind, Leaks, Question, Reason, Suspect, SuspectObject};
pub use memory::{KindMemory, MemoryPart, MemoryReport, MemoryRow, NoMemoryFacts, Relief};
pub use merged::{Folded, Holder, MergeLimits, MergedPaths, MergedStep};
pub use modules::Module;
pub use neighbours::{HoldingRoot, Neighbours};
pub use outside::{Extent, Outside};
pub use partition::{Partition, PartitionOptions, PartitionRow};
pub use path::{Path, ROOT, Step};
pub use path_options::PathOptions;
pub use paths::{PathCount, ShortestPaths};
pub use pattern::{Pattern, PatternOptions};
pub use pattern_line::{Mark, PatternLine};
pub use relation_rows::RelationRow;
pub use selection::{ObjectSet, Selection, Term};
pub use selection_error::SelectionError;
pub use threads::{
    Awaited, Local, StackFrame, SuspendedGroup, Task, TaskState, ThreadStack, Threads,
};
pub use tree::{Branch, FoldedKind, Tree, TreeOptions, TreeRow};
pub use trend::{Tendency, Trend};
pub use waste::{
    BoxedNumbers, Duplicate, Rows, SlotsSaving, SpareContainer, SpareRoom, WasteHolder,
    WasteReport, WasteSort, WasteSum,
};
