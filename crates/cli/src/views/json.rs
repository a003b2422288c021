//! The documents that `--json` prints; `docs/json.md` describes them for readers.
//!
//! Each begins with `format`, a name and a version. The version rises when a reader would
//! misunderstand the document; new fields don't change it.

use crate::arguments::Limit;
use exuvia_query::{By, Heap, ObjectDetails, ObjectSet, Outside, Partition, Path};
use exuvia_query::{PathCount, PathOptions, ShortestPaths};
use exuvia_snapshot::{Capture, Diagnostic, Metadata, Process};
use exuvia_tracee::{Linking, PythonProcess};
use serde::Serialize;

/// Where an answer comes from.
#[derive(Debug, Serialize)]
pub(super) struct Source<'a> {
    process: &'a Process,
    capture: &'a Capture,
    diagnostics: &'a [Diagnostic],
}

/// What `exuvia heap --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct HeapDocument<'a> {
    format: &'static str,
    by: By,
    count: u64,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alive: Option<u64>,
    total_rows: usize,
    rows: Vec<Row<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<Outside>,
    #[serde(flatten)]
    source: Source<'a>,
}

/// A row of a table.
#[derive(Debug, Serialize)]
pub(super) struct Row<'a> {
    index: usize,
    name: &'a str,
    count: u64,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retained: Option<u64>,
}

/// What `exuvia paths --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct PathsDocument<'a> {
    format: &'static str,
    to: Target<'a>,
    weak: bool,
    count: PathCount,
    length: Option<usize>,
    paths: Vec<Path<'a>>,
    #[serde(flatten)]
    source: Source<'a>,
}

/// The objects that an answer is about.
#[derive(Debug, Serialize)]
pub(super) struct Target<'a> {
    description: &'a str,
    count: u64,
    size: u64,
}

/// What `exuvia show --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct ObjectDocument<'a> {
    format: &'static str,
    object: &'a ObjectDetails,
    #[serde(flatten)]
    source: Source<'a>,
}

/// What `exuvia ps --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct ProcessesDocument {
    format: &'static str,
    processes: Vec<ProcessEntry>,
}

#[derive(Debug, Serialize)]
struct ProcessEntry {
    pid: i32,
    version: Option<String>,
    linking: Option<&'static str>,
    resident: u64,
    uptime: f64,
    command: String,
    attachable: bool,
    obstacle: Option<String>,
    hint: Option<&'static str>,
}

impl<'a> Source<'a> {
    /// That of a heap.
    pub(super) fn of(heap: &'a Heap) -> Self {
        Self::of_metadata(&heap.snapshot().metadata)
    }

    fn of_metadata(metadata: &'a Metadata) -> Self {
        let Metadata {
            process,
            capture,
            diagnostics,
            ..
        } = metadata;
        Self {
            process,
            capture,
            diagnostics,
        }
    }
}

impl<'a> Target<'a> {
    /// Some objects.
    pub(super) fn of(set: &'a ObjectSet) -> Self {
        Self {
            description: set.description(),
            count: set.count(),
            size: set.size(),
        }
    }
}

/// The first rows of a table.
pub(super) fn rows(partition: &Partition, limit: Limit) -> Vec<Row<'_>> {
    let rows = super::table::shown(partition, limit).iter().enumerate();
    rows.map(|(index, row)| Row {
        index,
        name: row.name.trim_start(),
        count: row.count,
        size: row.size,
        retained: row.retained,
    })
    .collect()
}

impl<'a> HeapDocument<'a> {
    /// The table's first rows.
    pub(crate) fn new(metadata: &'a Metadata, partition: &'a Partition, limit: Limit) -> Self {
        Self {
            format: "exuvia-heap/1",
            by: partition.by,
            count: partition.count,
            size: partition.size,
            label: partition.label.as_deref(),
            alive: partition.alive,
            total_rows: partition.total_rows,
            rows: rows(partition, limit),
            outside: (!partition.selected).then_some(partition.outside),
            source: Source::of_metadata(metadata),
        }
    }
}

impl<'a> PathsDocument<'a> {
    /// The first of the paths to a set.
    pub(crate) fn new(
        heap: &'a Heap,
        set: &'a ObjectSet,
        options: &PathOptions,
        paths: &'a ShortestPaths<'a>,
        limit: Limit,
    ) -> Self {
        let count = paths.count();
        Self {
            format: "exuvia-paths/1",
            to: Target::of(set),
            weak: options.weak,
            count,
            length: paths.length(),
            paths: (0..limit.of(count.paths))
                .zip(paths.iter())
                .map(|(_, path)| path)
                .collect(),
            source: Source::of(heap),
        }
    }
}

impl<'a> ObjectDocument<'a> {
    /// One object.
    pub(crate) fn new(heap: &'a Heap, object: &'a ObjectDetails) -> Self {
        Self {
            format: "exuvia-object/1",
            object,
            source: Source::of(heap),
        }
    }
}

impl ProcessesDocument {
    /// The processes of a list.
    pub(crate) fn new(processes: &[PythonProcess]) -> Self {
        Self {
            format: "exuvia-processes/1",
            processes: processes.iter().map(ProcessEntry::new).collect(),
        }
    }
}

impl ProcessEntry {
    fn new(process: &PythonProcess) -> Self {
        let obstacle = super::processes::obstacle(process);
        Self {
            pid: process.pid.0,
            version: process
                .version_hint
                .map(|(major, minor)| format!("{major}.{minor}")),
            linking: process.linking.map(|linking| match linking {
                Linking::Shared => "shared",
                Linking::Static => "static",
            }),
            resident: process.resident,
            uptime: process.uptime.as_secs_f64(),
            command: process.command.clone(),
            attachable: obstacle.is_none(),
            hint: obstacle.as_ref().map(|&(_, hint)| hint),
            obstacle: obstacle.map(|(reason, _)| reason),
        }
    }
}
