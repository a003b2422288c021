//! Where the memory of a process is.

use super::json::Source;
use super::{TITLE, counted, printable, units};
use crate::arguments::Limit;
use exuvia_query::{Heap, KindMemory, MemoryPart, MemoryReport, MemoryRow, Relief};
use exuvia_snapshot::MemoryFacts;
use serde::Serialize;
use std::io::{self, Write};

/// What `exuvia memory --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct MemoryDocument<'a> {
    format: &'static str,
    is_resident: bool,
    total: u64,
    proportional: u64,
    swapped: u64,
    rows: &'a [MemoryRow],
    total_kinds: usize,
    kinds: &'a [KindMemory],
    not_resident: u64,
    relief: Relief,
    allocators: &'a MemoryFacts,
    #[serde(flatten)]
    source: Source<'a>,
}

impl<'a> MemoryDocument<'a> {
    /// The whole report, with the first kinds.
    pub(crate) fn new(heap: &'a Heap, report: &'a MemoryReport<'a>, limit: Limit) -> Self {
        Self {
            format: "exuvia-memory/1",
            is_resident: report.is_resident,
            total: report.total,
            proportional: report.proportional,
            swapped: report.swapped,
            rows: &report.rows,
            total_kinds: report.kinds.len(),
            kinds: limit.first_of(&report.kinds),
            not_resident: report.not_resident,
            relief: report.relief,
            allocators: report.allocators,
            source: Source::of(heap),
        }
    }
}

/// Writes the rows, the largest kinds of objects below theirs, and what could be given back.
pub(crate) fn write(
    out: &mut dyn Write,
    report: &MemoryReport<'_>,
    limit: Limit,
) -> io::Result<()> {
    let total = units::bytes(report.total);
    if report.is_resident {
        let share = units::bytes(report.proportional);
        writeln!(
            out,
            "{total} are resident (Rss), {share} of that its share (Pss)."
        )?;
    } else {
        writeln!(
            out,
            "The mappings have {total}. A core does not tell what of them was in RAM: these are \
             sizes."
        )?;
    }
    writeln!(out, "{TITLE}        Bytes   %        Share  Where{TITLE:#}")?;
    let rows = report.rows.iter().filter(|row| row.bytes > 0);
    for row in rows {
        line(
            out,
            report,
            row.bytes,
            Some(row.proportional),
            name(row.part),
        )?;
        if row.part == MemoryPart::Objects {
            kinds(out, report, limit)?;
        }
    }
    line(
        out,
        report,
        report.total,
        Some(report.proportional),
        "in all",
    )?;
    if report.not_resident > 0 {
        let bytes = units::bytes(report.not_resident);
        writeln!(
            out,
            "{bytes} of objects and buffers are not in RAM: nobody has written there yet, or they \
             are swapped out."
        )?;
    }
    if report.swapped > 0 {
        writeln!(out, "{} are swapped out.", units::bytes(report.swapped))?;
    }
    writeln!(out)?;
    allocator(out, report)?;
    writeln!(out, "{}", relief_sentence(report))
}

/// Writes the largest kinds, and the rest as one.
fn kinds(out: &mut dyn Write, report: &MemoryReport<'_>, limit: Limit) -> io::Result<()> {
    let shown = limit.first_of(&report.kinds);
    for kind in shown {
        let name = format!("  {} ({})", printable(&kind.name), kind.count);
        line(out, report, kind.bytes, None, &name)?;
    }
    let rest = report.kinds.get(shown.len()..).unwrap_or_default();
    if !rest.is_empty() {
        let bytes = rest.iter().map(|kind| kind.bytes).sum();
        let name = format!("  {} more kinds", rest.len());
        line(out, report, bytes, None, &name)?;
    }
    Ok(())
}

fn line(
    out: &mut dyn Write,
    report: &MemoryReport<'_>,
    bytes: u64,
    share: Option<u64>,
    name: &str,
) -> io::Result<()> {
    let percent = bytes as f64 * 100.0 / report.total.max(1) as f64;
    let share = share.filter(|_| report.is_resident);
    let share = share.map_or_else(String::new, |share| share.to_string());
    writeln!(out, "{bytes:13} {percent:3.0} {share:>12}  {name}")
}

/// What is known of the C allocator, and how.
fn allocator(out: &mut dyn Write, report: &MemoryReport<'_>) -> io::Result<()> {
    let c = &report.allocators.c;
    let name = if c.name.is_empty() {
        "unknown"
    } else {
        &c.name
    };
    match (&c.asked, &c.not_asked) {
        (Some(info), _) => writeln!(
            out,
            "C allocator: {name}. It says: {} in use, {} free ({} at the top), and {} in {}.",
            units::bytes(info.uordblks),
            units::bytes(info.fordblks),
            units::bytes(info.keepcost),
            units::bytes(info.hblkhd),
            counted(info.hblks, "block mapped one by one")
                .replace("block mapped one by ones", "blocks mapped one by one"),
        ),
        (None, Some(reason)) => writeln!(out, "C allocator: {name}, not asked: {reason}."),
        (None, None) => writeln!(out, "C allocator: {name}."),
    }
}

/// What could be given back.
pub(crate) fn relief_sentence(report: &MemoryReport<'_>) -> String {
    let Relief { trimmable, garbage } = report.relief;
    let trimmed = trimmable.map_or_else(
        || "What malloc_trim would give back is not known".to_owned(),
        |bytes| {
            let percent = bytes as f64 * 100.0 / report.total.max(1) as f64;
            let bytes = units::bytes(bytes);
            format!("malloc_trim(0) would give back {bytes} ({percent:.0} % of all)")
        },
    );
    let collected = match garbage.objects {
        0 => "a garbage collection would free nothing".to_owned(),
        objects => format!(
            "a garbage collection would free {} ({}), to be used again",
            counted(objects, "object"),
            units::bytes(garbage.bytes)
        ),
    };
    format!("{trimmed}; {collected}.")
}

/// Writes the rows as CSV: `part,bytes,proportional,count,kind`. The kinds come after the rows, as
/// those of the part `objects-of-kind`, and are a part of that of the objects.
pub(crate) fn write_csv(
    out: &mut dyn Write,
    report: &MemoryReport<'_>,
    limit: Limit,
) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["part", "bytes", "proportional", "count", "kind"])?;
    for row in &report.rows {
        let none: Option<u64> = None;
        writer.serialize((row.part, row.bytes, row.proportional, none, ""))?;
    }
    for kind in limit.first_of(&report.kinds) {
        let none: Option<u64> = None;
        writer.serialize(("objects-of-kind", kind.bytes, none, kind.count, &kind.name))?;
    }
    writer.flush()
}

/// What a part is called.
pub(crate) fn name(part: MemoryPart) -> &'static str {
    match part {
        MemoryPart::Objects => "Python objects",
        MemoryPart::Garbage => "Python objects that wait for the collector",
        MemoryPart::NativeBuffers => "buffers of native libraries",
        MemoryPart::PymallocOther => "pymalloc: used by the interpreter and extensions",
        MemoryPart::PymallocFree => "pymalloc: free blocks in pools in use",
        MemoryPart::PymallocLost => "pymalloc: heads and rounding of pools",
        MemoryPart::PymallocUnused => "pymalloc: pools that are not in use",
        MemoryPart::MimallocOther => "mimalloc: used by the interpreter and extensions",
        MemoryPart::MimallocFree => "mimalloc: free",
        MemoryPart::MallocOther => "C allocator: used by the interpreter and native code",
        MemoryPart::MallocFree => "C allocator: free",
        MemoryPart::MallocTop => "C allocator: free, at the top",
        MemoryPart::Stacks => "stacks of threads",
        MemoryPart::Images => "program and libraries",
        MemoryPart::Files => "other mapped files",
        MemoryPart::Shared => "shared memory",
        MemoryPart::Unexplained => "unexplained",
    }
}
