//! Where the paths to many objects run together.

use super::json::{Source, Target};
use super::{TITLE, counted, printable};
use exuvia_query::{Extent, Folded, Heap, MergedPaths, MergedStep, ObjectSet};
use serde::Serialize;
use std::io::{self, Write};

const QUIET: anstyle::Style = anstyle::Style::new().dimmed();

/// Writes the tree: each line is some steps that all of the objects behind them share.
pub(crate) fn write(out: &mut dyn Write, set: &ObjectSet, merged: &MergedPaths) -> io::Result<()> {
    let Extent { objects, bytes } = merged.reached;
    writeln!(
        out,
        "Shortest paths to {}: {}, {bytes} bytes.",
        printable(set.description()),
        counted(objects, "object"),
    )?;
    writeln!(out, "{TITLE}  Count   %     Size   % Path{TITLE:#}")?;
    let mut lines = Lines {
        out,
        total: merged.reached,
    };
    lines.steps(&merged.steps, merged.folded, 0)?;
    if merged.unreached.objects > 0 {
        let Extent { objects, bytes } = merged.unreached;
        let objects = counted(objects, "object");
        writeln!(out, "No path leads to {objects} ({bytes} bytes).")?;
    }
    Ok(())
}

struct Lines<'a> {
    out: &'a mut dyn Write,
    total: Extent,
}

impl Lines<'_> {
    fn steps(&mut self, steps: &[MergedStep], folded: Folded, indent: usize) -> io::Result<()> {
        for step in steps {
            self.numbers(step.extent, indent)?;
            write!(self.out, "{}", printable(&step.text.replacen("%s", "…", 1)))?;
            self.end(step)?;
            writeln!(self.out)?;
            self.steps(&step.steps, step.folded, indent + 1)?;
        }
        if folded.steps > 0 {
            self.numbers(folded.extent, indent)?;
            let more = counted(folded.steps, "more way");
            writeln!(self.out, "{QUIET}<{more}>{QUIET:#}")?;
        }
        Ok(())
    }

    fn numbers(&mut self, extent: Extent, indent: usize) -> io::Result<()> {
        let Extent { objects, bytes } = extent;
        let of_objects = percent(objects, self.total.objects);
        let of_bytes = percent(bytes, self.total.bytes);
        let indent = "  ".repeat(indent);
        write!(
            self.out,
            "{objects:7} {of_objects:3.0} {bytes:8} {of_bytes:3.0} {indent}"
        )
    }

    /// What lies at the end of some steps, and what holds it.
    fn end(&mut self, step: &MergedStep) -> io::Result<()> {
        let kind = step.kind.as_deref().map_or("several kinds", |kind| kind);
        let kind = printable(kind);
        match (&step.holder, step.ends) {
            (Some(holder), 1) => {
                write!(
                    self.out,
                    "{QUIET}  {kind} at {:#x}{QUIET:#}",
                    holder.address
                )
            }
            (Some(holder), ends) => write!(
                self.out,
                "{QUIET}  {ends} × {kind}, held by the {} at {:#x}{QUIET:#}",
                printable(&holder.kind),
                holder.address
            ),
            (None, ends) => write!(self.out, "{QUIET}  {ends} × {kind}{QUIET:#}"),
        }
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

/// Writes each step as a line of CSV, with the whole path to its end.
pub(crate) fn write_csv(out: &mut dyn Write, merged: &MergedPaths) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "depth", "count", "size", "here", "ends", "kind", "holder", "path",
    ])?;
    let mut left: Vec<(usize, String, &MergedStep)> = Vec::new();
    for step in merged.steps.iter().rev() {
        left.push((0, String::new(), step));
    }
    while let Some((depth, before, step)) = left.pop() {
        let path = whole(&before, &step.text);
        let holder = step.holder.as_ref();
        writer.serialize((
            depth,
            step.extent.objects,
            step.extent.bytes,
            step.here.objects,
            step.ends,
            step.kind.as_deref().unwrap_or_default(),
            holder.map_or_else(String::new, |holder| format!("{:#x}", holder.address)),
            &path,
        ))?;
        for next in step.steps.iter().rev() {
            left.push((depth + 1, path.clone(), next));
        }
    }
    writer.flush()
}

/// A path with further steps, which may enclose it.
fn whole(path: &str, steps: &str) -> String {
    match steps.split_once("%s") {
        Some((before, behind)) if steps.starts_with("list(") => format!("{before}{path}{behind}"),
        _ => format!("{path}{steps}"),
    }
}

/// What `exuvia paths --merged --json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    format: &'static str,
    to: Target<'a>,
    weak: bool,
    #[serde(flatten)]
    merged: &'a MergedPaths,
    #[serde(flatten)]
    source: Source<'a>,
}

/// The tree as a document.
pub(crate) fn document<'a>(
    heap: &'a Heap,
    set: &'a ObjectSet,
    weak: bool,
    merged: &'a MergedPaths,
) -> impl Serialize + 'a {
    Document {
        format: "exuvia-merged-paths/1",
        to: Target::of(set),
        weak,
        merged,
        source: Source::of(heap),
    }
}
