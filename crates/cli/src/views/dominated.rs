//! What would go if a set went.

use super::json::{Row, Source, Target, rows};
use super::{counted, csv, printable, table};
use crate::arguments::Limit;
use exuvia_query::{By, Heap, ObjectSet, Partition, PartitionOptions};
use serde::Serialize;
use std::io::{self, Write};

/// The objects that a set keeps alive, itself included.
#[derive(Debug)]
pub(crate) struct Dominated<'a> {
    heap: &'a Heap,
    set: &'a ObjectSet,
    partition: Partition,
    limit: Limit,
}

/// What `exuvia dominated --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Document<'a> {
    format: &'static str,
    of: Target<'a>,
    by: By,
    count: u64,
    size: u64,
    total_rows: usize,
    rows: Vec<Row<'a>>,
    #[serde(flatten)]
    source: Source<'a>,
}

impl<'a> Dominated<'a> {
    pub(crate) fn new(
        heap: &'a Heap,
        set: &'a ObjectSet,
        options: PartitionOptions,
        limit: Limit,
    ) -> Self {
        let dominated = heap.dominated_by(set);
        Self {
            heap,
            set,
            partition: heap.divided(Some(&dominated), options),
            limit,
        }
    }

    /// A line with the set and what it keeps, and heapy's table of that.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "If {} went ({}, {}), {} would go with it: {} in all.",
            printable(self.set.description()),
            counted(self.set.count(), "object"),
            counted(self.set.size(), "byte"),
            counted(
                self.partition.count.saturating_sub(self.set.count()),
                "object"
            ),
            counted(self.partition.size, "byte"),
        )?;
        table::write(out, &self.partition, self.limit)
    }

    /// The rows of the table.
    pub(crate) fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        csv::write(out, &self.partition, self.limit)
    }

    /// The whole answer.
    pub(crate) fn document(&self) -> Document<'_> {
        Document {
            format: "exuvia-dominated/1",
            of: Target::of(self.set),
            by: self.partition.by,
            count: self.partition.count,
            size: self.partition.size,
            total_rows: self.partition.total_rows,
            rows: rows(&self.partition, self.limit),
            source: Source::of(self.heap),
        }
    }
}
