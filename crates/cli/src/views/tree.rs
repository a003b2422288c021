//! The dominator tree.

use super::json::{Source, Target};
use super::{TITLE, counted, printable, units};
use exuvia_query::{Branch, Extent, FoldedKind, Heap, ObjectSet, ObjectSummary, Tree, TreeRow};
use serde::Serialize;
use std::io::{self, Write};

const LINES: anstyle::Style = anstyle::Style::new().dimmed();

/// Values up to this length are shown; longer ones would hide the tree.
const VALUE: usize = 40;

/// Writes the tree, a line for each row.
pub(crate) fn write(out: &mut dyn Write, tree: &Tree, of: Option<&ObjectSet>) -> io::Result<()> {
    let Extent { objects, bytes } = tree.total;
    let of = of.map_or_else(
        || "everything".to_owned(),
        |set| {
            let objects = counted(set.count(), "object");
            format!("{} ({objects})", printable(set.description()))
        },
    );
    writeln!(
        out,
        "Dominator tree of {of}: {}, {} kept alive.",
        counted(objects, "object"),
        units::bytes(bytes)
    )?;
    writeln!(out, "{TITLE} Retained   %  Objects  Object{TITLE:#}")?;
    // For each level whether more is to come there.
    let mut goes_on: Vec<bool> = Vec::new();
    for row in &tree.rows {
        goes_on.truncate(row.depth as usize);
        let lines: String = goes_on
            .iter()
            .map(|&more| if more { "│  " } else { "   " })
            .collect();
        let corner = if row.last { "└─ " } else { "├─ " };
        goes_on.push(!row.last);
        writeln!(
            out,
            "{:>9} {:>3} {:8}  {LINES}{lines}{corner}{LINES:#}{}",
            units::bytes(row.retained.bytes),
            super::table::percent(row.retained.bytes, bytes),
            row.retained.objects,
            printable(&label(row)),
        )?;
    }
    Ok(())
}

fn label(row: &TreeRow) -> String {
    match &row.branch {
        Branch::Object {
            object,
            relation,
            owner,
            ..
        } => {
            let ObjectSummary {
                address,
                kind,
                value,
                ..
            } = object;
            let relation = relation.as_ref().map(|text| format!("{text}  "));
            let relation = relation.unwrap_or_default();
            // What is left of a longer one tells little, and a default one has the address.
            let is_whole = !value.contains("...") && !value.contains(" at 0x");
            let shown = value.chars().count() <= VALUE && is_whole;
            let value = match owner {
                Some(owner) => format!(" of {owner}"),
                None if shown => format!(" {value}"),
                None => String::new(),
            };
            format!("{relation}{kind} at {address:#x}{value}")
        }
        Branch::Folded {
            count,
            kinds,
            total_kinds,
        } => {
            format!("… {}", smaller(*count, kinds, *total_kinds))
        }
    }
}

/// What is folded, in words.
pub(crate) fn smaller(count: u64, kinds: &[FoldedKind], total_kinds: u64) -> String {
    let named: Vec<String> = kinds
        .iter()
        .map(|FoldedKind { name, count }| format!("{count} {name}"))
        .collect();
    let others = match total_kinds > kinds.len() as u64 {
        true => ", …",
        false => "",
    };
    format!("{count} smaller: {}{others}", named.join(", "))
}

/// Writes a line for each row: `depth,retained,objects,size,address,kind,relation,folded`.
pub(crate) fn write_csv(out: &mut dyn Write, tree: &Tree) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "depth", "retained", "objects", "size", "address", "kind", "relation", "folded",
    ])?;
    for row in &tree.rows {
        let Extent { objects, bytes } = row.retained;
        match &row.branch {
            Branch::Object {
                object,
                size,
                relation,
                ..
            } => writer.serialize((
                row.depth,
                bytes,
                objects,
                Some(size),
                Some(format!("{:#x}", object.address)),
                Some(&object.kind),
                relation,
                0,
            ))?,
            Branch::Folded { count, .. } => writer.serialize((
                row.depth,
                bytes,
                objects,
                None::<u64>,
                None::<String>,
                None::<String>,
                None::<String>,
                count,
            ))?,
        }
    }
    writer.flush()
}

/// What `exuvia tree --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct TreeDocument<'a> {
    format: &'static str,
    of: Option<Target<'a>>,
    #[serde(flatten)]
    tree: &'a Tree,
    #[serde(flatten)]
    source: Source<'a>,
}

impl<'a> TreeDocument<'a> {
    /// A tree of everything, or of a set.
    pub(crate) fn new(heap: &'a Heap, tree: &'a Tree, of: Option<&'a ObjectSet>) -> Self {
        Self {
            format: "exuvia-tree/1",
            of: of.map(Target::of),
            tree,
            source: Source::of(heap),
        }
    }
}
