use crate::MemoryFacts;
use serde::{Deserialize, Serialize};

/// What `snapshot.json` says of a snapshot, the format version aside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The process that was captured.
    pub process: Process,
    /// How it was captured.
    pub capture: Capture,
    /// How many rows the tables have.
    pub counts: Counts,
    /// What went wrong in part, counted.
    pub diagnostics: Vec<Diagnostic>,
    /// Where the memory of the process is, as far as that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryFacts>,
}

/// The process that was captured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its process id, in the tool's namespace.
    pub pid: u32,
    /// Its command line.
    pub command: Vec<String>,
    /// The program file, as the process sees it.
    pub executable: String,
    /// The Python version: `3.12.1`.
    pub python: String,
    /// `gil` or `free-threaded`.
    pub flavor: String,
    /// Bytes of it that were resident when it was captured; 0 where that is not known.
    pub resident: u64,
    /// When it began, in clock ticks since the machine did; none where that is not known. Two
    /// processes of one number differ by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
}

/// How a process was captured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// Seconds since 1970-01-01 UTC; of a core file, when it was written.
    pub time: f64,
    /// The version of exuvia that made it.
    pub tool: String,
    /// What was read.
    pub mode: CaptureMode,
    /// Seconds for which the target stood still; 0 for a core file.
    pub frozen: f64,
    /// Seconds from the freeze to the finished snapshot.
    pub elapsed: f64,
    /// Which contents were kept.
    pub values: ValuesKept,
    /// Which layout table served, and where fields came from.
    pub layout: String,
}

/// What the capture read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureMode {
    /// A copy-on-write clone, while the process went on.
    #[default]
    Clone,
    /// The process itself, while it stood still.
    Stop,
    /// A core file.
    Core,
}

/// Which contents of strings and numbers a snapshot keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValuesKept {
    /// Only names: attributes, keys of `__dict__`s, local variables, modules, functions.
    None,
    /// The first 100 characters.
    #[default]
    Short,
    /// Everything.
    Full,
}

/// How many rows the tables have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Objects, without synthetic frames.
    pub objects: u64,
    /// References.
    pub references: u64,
    /// Bytes of all objects, as `sys.getsizeof` counts them.
    pub bytes: u64,
}

/// Something that went wrong in part, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// A short stable name: `unreadable-object`.
    pub code: String,
    /// What happened, for a person.
    pub message: String,
    /// How often.
    pub count: u64,
    /// A few addresses at which it happened.
    pub examples: Vec<String>,
}
