//! What refers to a set, and what it refers to.

use super::json::{Row, Source, Target, rows};
use super::{TITLE, counted, csv, printable, table};
use crate::arguments::Limit;
use exuvia_query::RelationRow;
use exuvia_query::{By, Heap, HoldingRoot, Neighbours, ObjectSet, Partition};
use serde::Serialize;
use std::io::{self, Write};

/// Which objects are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Those that refer to the set.
    Referrers,
    /// Those to which it refers.
    Referents,
    /// Those referrers that the roots reach without passing through another.
    ImmediateDominators,
}

/// An answer that is to be printed.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) heap: &'a Heap,
    pub(crate) side: Side,
    /// The objects that were asked about.
    pub(crate) set: &'a ObjectSet,
    /// Whether weak references count.
    pub(crate) weak: bool,
    pub(crate) neighbours: &'a Neighbours,
    /// The table of the neighbours.
    pub(crate) partition: &'a Partition,
    /// Whether the relations are printed.
    pub(crate) edges: bool,
    pub(crate) limit: Limit,
}

/// What `exuvia referrers --json` and its like print.
#[derive(Debug, Serialize)]
pub(crate) struct Document<'a> {
    format: &'static str,
    of: Target<'a>,
    weak: bool,
    by: By,
    count: u64,
    size: u64,
    total_rows: usize,
    rows: Vec<Row<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roots: Option<&'a [HoldingRoot]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relations: Option<&'a [RelationRow]>,
    #[serde(flatten)]
    source: Source<'a>,
}

impl Answer<'_> {
    /// heapy's table of the objects, then the relations, and the roots that hold the set.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        table::write(out, self.partition, self.limit)?;
        if self.edges {
            self.write_edges(out)?;
        }
        self.write_roots(out)
    }

    fn write_edges(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = &self.neighbours.relations;
        let total: u64 = all.iter().map(|row| row.count).sum();
        writeln!(out, "\nBy relation: {}.", counted(total, "reference"))?;
        writeln!(out, "{TITLE} Index  Count   % Kind and relation{TITLE:#}")?;
        let shown = self.limit.first_of(all);
        for (index, row) in shown.iter().enumerate() {
            let percent = table::percent(row.count, total);
            let (kind, relation) = (printable(&row.kind), printable(&row.relation));
            let count = row.count;
            writeln!(out, "{index:6} {count:6} {percent:>3} {kind} {relation}")?;
        }
        match all.len() - shown.len() {
            0 => Ok(()),
            more => writeln!(out, "<{more} more rows. Use --all or --top N to view.>"),
        }
    }

    fn write_roots(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = &self.neighbours.roots;
        if all.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nHeld by roots:")?;
        let shown = self.limit.first_of(all);
        for root in shown {
            let name = printable(&root.name);
            match root.objects {
                1 => writeln!(out, " {name}")?,
                many => writeln!(out, " {name} ({many} objects)")?,
            }
        }
        match all.len() - shown.len() {
            0 => Ok(()),
            more => writeln!(out, "<{more} more roots. Use --all or --top N to view.>"),
        }
    }

    /// The rows of the table; those of the relations, if they were asked for.
    pub(crate) fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        if !self.edges {
            return csv::write(out, self.partition, self.limit);
        }
        let mut writer = ::csv::Writer::from_writer(out);
        writer.write_record(["index", "count", "kind", "relation"])?;
        let shown = self.limit.first_of(&self.neighbours.relations);
        for (index, row) in shown.iter().enumerate() {
            writer.serialize((index, row.count, &row.kind, &row.relation))?;
        }
        writer.flush()
    }

    /// The whole answer.
    pub(crate) fn document(&self) -> Document<'_> {
        let partition = self.partition;
        let Neighbours {
            roots, relations, ..
        } = self.neighbours;
        Document {
            format: match self.side {
                Side::Referrers => "exuvia-referrers/1",
                Side::Referents => "exuvia-referents/1",
                Side::ImmediateDominators => "exuvia-immediate-dominators/1",
            },
            of: Target::of(self.set),
            weak: self.weak,
            by: partition.by,
            count: partition.count,
            size: partition.size,
            total_rows: partition.total_rows,
            rows: rows(partition, self.limit),
            roots: (self.side != Side::Referents).then_some(roots),
            relations: self.edges.then(|| self.limit.first_of(relations)),
            source: Source::of(self.heap),
        }
    }
}
