//! What of the memory of a process could be saved.

use super::json::Source;
use super::{TITLE, printable, units};
use exuvia_query::{Heap, Rows, WasteHolder, WasteReport, WasteSort};
use serde::Serialize;
use std::io::{self, Write};

/// What `exuvia waste --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct WasteDocument<'a> {
    format: &'static str,
    #[serde(flatten)]
    report: &'a WasteReport,
    #[serde(flatten)]
    source: Source<'a>,
}

impl<'a> WasteDocument<'a> {
    /// The report as it is.
    pub(crate) fn new(heap: &'a Heap, report: &'a WasteReport) -> Self {
        Self {
            format: "exuvia-waste/1",
            report,
            source: Source::of(heap),
        }
    }
}

/// Writes a table for each sort of waste, and their sums.
pub(crate) fn write(out: &mut dyn Write, report: &WasteReport) -> io::Result<()> {
    duplicates(out, report)?;
    spare(out, report)?;
    slots(out, report)?;
    boxed(out, report)?;
    sums(out, report)
}

fn duplicates(out: &mut dyn Write, report: &WasteReport) -> io::Result<()> {
    if !report.has_contents {
        return writeln!(
            out,
            "The snapshot has no contents (--values none): duplicates can't be told.\n"
        );
    }
    let rows = &report.duplicates;
    title(
        out,
        rows,
        "   Wasted   Count     Size  Equal strings, bytes and tuples",
    )?;
    for row in &rows.first {
        let value = printable(&row.value);
        let (wasted, count, size) = (row.wasted, row.count, row.size);
        writeln!(
            out,
            "{wasted:9} {count:7} {size:8}  {value}{}",
            held(&row.holders)
        )?;
    }
    end(out, rows)?;
    if report.not_compared > 0 {
        let count = report.not_compared;
        writeln!(
            out,
            "{count} long strings and bytes were not compared: the snapshot has only their \
             beginnings.\n"
        )?;
    }
    Ok(())
}

fn spare(out: &mut dyn Write, report: &WasteReport) -> io::Result<()> {
    let rows = &report.spare;
    let columns = "   Wasted   Count  Nearly empty  Containers with room that is not used";
    title(out, rows, columns)?;
    for row in &rows.first {
        let largest = &row.largest;
        writeln!(
            out,
            "{:9} {:7} {:13}  {}; the largest: {} of {} used at {:#x}{}",
            row.wasted,
            row.count,
            row.nearly_empty,
            printable(&row.kind),
            largest.items,
            largest.room,
            largest.address,
            held(&largest.holders)
        )?;
    }
    end(out, rows)
}

fn slots(out: &mut dyn Write, report: &WasteReport) -> io::Result<()> {
    let rows = &report.slots;
    let columns = "   Wasted   Count   Now  With  Classes without __slots__: bytes of an instance";
    title(out, rows, columns)?;
    for row in &rows.first {
        let attributes = super::counted(row.slots, "attribute");
        let kind = printable(&row.kind);
        let (wasted, count, now, with) = (row.wasted, row.count, row.now, row.with_slots);
        writeln!(
            out,
            "{wasted:9} {count:7} {now:5} {with:5}  {kind} ({attributes})"
        )?;
    }
    end(out, rows)
}

fn boxed(out: &mut dyn Write, report: &WasteReport) -> io::Result<()> {
    let rows = &report.boxed;
    title(
        out,
        rows,
        "   Wasted   Items       Now  Lists of numbers that an array would hold",
    )?;
    for row in &rows.first {
        let of = match row.sort {
            WasteSort::BoxedFloats => "float",
            _ => "int",
        };
        let (wasted, items, now) = (row.wasted, row.items, row.now);
        let (address, held) = (row.address, held(&row.holders));
        writeln!(
            out,
            "{wasted:9} {items:7} {now:9}  list of {of} at {address:#x}{held}"
        )?;
    }
    end(out, rows)
}

fn sums(out: &mut dyn Write, report: &WasteReport) -> io::Result<()> {
    let bytes = report.bytes;
    let percent = bytes as f64 * 100.0 / report.size.max(1) as f64;
    writeln!(
        out,
        "{} could be saved, {percent:.0} % of the {} of live objects{}",
        units::bytes(bytes),
        units::bytes(report.size),
        if report.sums.is_empty() { "." } else { ":" }
    )?;
    for sum in &report.sums {
        let what = description(sum.sort);
        writeln!(out, "{:13} by {what} ({})", sum.bytes, sum.objects)?;
    }
    Ok(())
}

fn title<T>(out: &mut dyn Write, rows: &Rows<T>, text: &str) -> io::Result<()> {
    match rows.total {
        0 => Ok(()),
        _ => writeln!(out, "{TITLE}{text}{TITLE:#}"),
    }
}

/// Says how many rows there are more.
fn end<T>(out: &mut dyn Write, rows: &Rows<T>) -> io::Result<()> {
    match (rows.total, rows.total - rows.first.len() as u64) {
        (0, _) => Ok(()),
        (_, 0) => writeln!(out),
        (_, more) => writeln!(out, "<{more} more rows. Use --all or --top N to view.>\n"),
    }
}

fn held(holders: &[WasteHolder]) -> String {
    if holders.is_empty() {
        return String::new();
    }
    let holder = |holder: &WasteHolder| format!("{} ({})", printable(&holder.name), holder.count);
    let holders: Vec<_> = holders.iter().map(holder).collect();
    format!(", held by {}", holders.join(", "))
}

fn description(sort: WasteSort) -> &'static str {
    match sort {
        WasteSort::DuplicateStrings => "keeping each string once: superfluous strings",
        WasteSort::DuplicateBytes => "keeping each bytes once: superfluous bytes",
        WasteSort::DuplicateTuples => "keeping each tuple once: superfluous tuples",
        WasteSort::SpareDicts => "copying dicts that have more room than they need",
        WasteSort::SpareSets => "copying sets that have more room than they need",
        WasteSort::SpareLists => "copying lists that have more room than they need",
        WasteSort::Slots => "giving classes __slots__: instances",
        WasteSort::BoxedInts => "keeping ints in arrays: lists",
        WasteSort::BoxedFloats => "keeping floats in arrays: lists",
    }
}

/// Writes the rows of all sorts as CSV: `sort,wasted,count,size,address,what,holders`. The size is
/// that of one duplicate, the room of the largest container, of an instance now, or of a list.
pub(crate) fn write_csv(out: &mut dyn Write, report: &WasteReport) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "sort", "wasted", "count", "size", "address", "what", "holders",
    ])?;
    for row in &report.duplicates.first {
        let (holders, address) = (names(&row.holders), Some(row.address));
        let cells = (row.sort, row.wasted, row.count, row.size);
        writer.serialize((cells, address, &row.value, holders))?;
    }
    for row in &report.spare.first {
        let (holders, address) = (names(&row.largest.holders), Some(row.largest.address));
        let cells = (row.sort, row.wasted, row.count, row.largest.room);
        writer.serialize((cells, address, &row.kind, holders))?;
    }
    for row in &report.slots.first {
        let address: Option<u64> = None;
        let cells = (WasteSort::Slots, row.wasted, row.count, row.now);
        writer.serialize((cells, address, &row.kind, ""))?;
    }
    for row in &report.boxed.first {
        let (holders, address) = (names(&row.holders), Some(row.address));
        let cells = (row.sort, row.wasted, row.items, row.now);
        writer.serialize((cells, address, "list", holders))?;
    }
    writer.flush()
}

fn names(holders: &[WasteHolder]) -> String {
    let names: Vec<_> = holders.iter().map(|holder| holder.name.as_str()).collect();
    names.join("; ")
}
