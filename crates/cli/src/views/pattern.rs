//! heapy's reference pattern, to the letter.

use super::json::{Source, Target};
use super::{TITLE, printable};
use crate::arguments::Limit;
use exuvia_query::{Heap, Mark, ObjectSet, Pattern, PatternLine, PatternOptions};
use serde::Serialize;
use std::io::{self, Write};

/// What divides the lines, in heapy's words.
const BY: &str = "[dict of] class";

/// How many members and addresses of a line a program gets.
const MEMBERS: usize = 10;

/// Writes the first lines of a pattern, each of at most `width` characters.
pub(crate) fn write(
    out: &mut dyn Write,
    pattern: Pattern,
    width: usize,
    limit: Limit,
) -> io::Result<()> {
    writeln!(out, "{TITLE}Reference Pattern by <{BY}>.{TITLE:#}")?;
    let more = first_lines(pattern, limit, |line| {
        writeln!(out, "{}", text(&line, width))
    })?;
    if more {
        writeln!(out, "<Use --all or --top N for more.>")?;
    }
    Ok(())
}

/// Hands the first lines on; whether there are more. Where one would be left, it comes as
/// well, as in heapy.
fn first_lines<'a>(
    mut pattern: Pattern<'a>,
    limit: Limit,
    mut take: impl FnMut(PatternLine<'a>) -> io::Result<()>,
) -> io::Result<bool> {
    let Limit::Top(top) = limit else {
        pattern.try_for_each(take)?;
        return Ok(false);
    };
    for line in pattern.by_ref().take(top) {
        take(line)?;
    }
    match (pattern.next(), pattern.next()) {
        (Some(last), None) => take(last).map(|()| false),
        (more, _) => Ok(more.is_some()),
    }
}

/// A line as heapy writes it: `idx: letters --- [flag] n kind: members`.
fn text(line: &PatternLine, width: usize) -> String {
    let mut prefix = format!("{:2}: {} ", line.index, line.letters());
    let used = prefix.chars().count();
    let fill = if line.index.is_multiple_of(2) {
        "-"
    } else {
        " "
    };
    prefix.push_str(&fill.repeat((9 + line.place.len()).saturating_sub(used)));
    prefix.push_str(&format!(" {} ", line.mark.text()));
    let left = width.saturating_sub(prefix.chars().count());
    let summary = summary(line, left);
    prefix + &summary
}

/// `30 __main__.Session: 0x7f79ddcf6f90, 0x7f79ddcf9b90...`: as many members as fit, sorted
/// as text; the last one that fits has `...` behind it, wherever it then stands.
fn summary(line: &PatternLine, length: usize) -> String {
    let kind = line.kind();
    let mut text = format!("{} {}: ", line.count(), printable(&kind));
    let room = length.saturating_sub(text.chars().count());
    let mut members: Vec<String> = Vec::new();
    let mut taken = 0;
    for member in line.members() {
        let member = printable(&member).into_owned();
        let wanted = member.chars().count() + 2;
        match members.last_mut() {
            Some(last) if taken + wanted >= room => {
                last.push_str("...");
                break;
            }
            _ => {}
        }
        taken += wanted;
        members.push(member);
    }
    members.sort_unstable();
    text.push_str(&members.join(", "));
    if text.chars().count() > length {
        let cut: String = text.chars().take(length.saturating_sub(3)).collect();
        return cut + "...";
    }
    text
}

/// What `exuvia pattern --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Document<'a> {
    format: &'static str,
    of: Target<'a>,
    depth: usize,
    imdom: bool,
    lines: Vec<Line>,
    /// Whether there are more lines.
    more: bool,
    #[serde(flatten)]
    source: Source<'a>,
}

#[derive(Debug, Serialize)]
struct Line {
    index: usize,
    letters: String,
    depth: usize,
    mark: &'static str,
    seen: Option<usize>,
    count: u64,
    size: u64,
    kind: String,
    members: Vec<String>,
    addresses: Vec<u64>,
}

/// The first lines of a pattern.
pub(crate) fn document<'a>(
    heap: &'a Heap,
    set: &'a ObjectSet,
    options: PatternOptions,
    pattern: Pattern<'a>,
    limit: Limit,
) -> Document<'a> {
    let mut lines = Vec::new();
    let more = first_lines(pattern, limit, |line| {
        lines.push(Line::new(&line));
        Ok(())
    });
    Document {
        format: "exuvia-pattern/1",
        of: Target::of(set),
        depth: options.depth,
        imdom: options.dominators,
        lines,
        // Collecting lines can't fail.
        more: more.unwrap_or(false),
        source: Source::of(heap),
    }
}

impl Line {
    fn new(line: &PatternLine) -> Self {
        Self {
            index: line.index,
            letters: line.letters(),
            depth: line.place.len(),
            mark: mark(line.mark),
            seen: match line.mark {
                Mark::Seen(index) => Some(index),
                _ => None,
            },
            count: line.count(),
            size: line.size(),
            kind: line.kind(),
            members: line.members().take(MEMBERS).collect(),
            addresses: line.addresses().take(MEMBERS).collect(),
        }
    }
}

fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Expanded => "expanded",
        Mark::Limit => "limit",
        Mark::Root => "root",
        Mark::Stopped => "stopped",
        Mark::Seen(_) => "seen",
    }
}

/// Writes the lines as CSV: `index,letters,depth,mark,seen,count,size,kind`.
pub(crate) fn write_csv(out: &mut dyn Write, pattern: Pattern, limit: Limit) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    let titles = [
        "index", "letters", "depth", "mark", "seen", "count", "size", "kind",
    ];
    writer.write_record(titles)?;
    first_lines(pattern, limit, |line| {
        let Line {
            index,
            letters,
            depth,
            mark,
            seen,
            count,
            size,
            kind,
            ..
        } = Line::new(&line);
        Ok(writer.serialize((index, letters, depth, mark, seen, count, size, kind))?)
    })?;
    writer.flush()
}
