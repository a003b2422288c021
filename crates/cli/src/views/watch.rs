//! What grows: a table after each look, which a terminal shows in place of the one before.

use super::{TITLE, counted, printable, units};
use crate::arguments::Format;
use crate::error::Failure;
use crate::output;
use exuvia_query::{Change, Extent, History, HistoryRow, Outside, Tendency, Trend};
use exuvia_snapshot::{Capture, Process};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

/// One look at the process.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    /// From 0.
    pub(crate) tick: usize,
    /// The process.
    pub(crate) process: &'a Process,
    /// How it was captured.
    pub(crate) capture: &'a Capture,
    /// What is not in the table.
    pub(crate) outside: Outside,
    /// Where the snapshot was kept.
    pub(crate) snapshot: Option<PathBuf>,
    /// The kinds that changed since the look before.
    pub(crate) changes: Vec<Change>,
}

/// Why the watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    /// The time is over, or it was looked often enough.
    Reached,
    /// A signal.
    Interrupted,
    /// The process ended, or became another program.
    Ended,
    /// Several looks in a row failed.
    Failed,
}

/// What prints the looks.
#[derive(Debug)]
pub(crate) struct Report {
    format: Format,
    top: usize,
    /// The lines of the table that a terminal shows, which the next one takes the place of;
    /// none where stdout is no terminal.
    shown: Option<usize>,
}

#[derive(Debug, Serialize)]
struct LookLine<'a> {
    format: &'static str,
    event: &'static str,
    tick: usize,
    pid: u32,
    time: f64,
    frozen: f64,
    elapsed: f64,
    count: u64,
    size: u64,
    outside: Outside,
    snapshot: Option<&'a PathBuf>,
    changes: &'a [Change],
}

#[derive(Debug, Serialize)]
struct SummaryLine {
    format: &'static str,
    event: &'static str,
    end: End,
    ticks: usize,
    total: Option<HistoryRow>,
    rows: Vec<HistoryRow>,
}

const FORMAT: &str = "exuvia-watch/1";

impl Report {
    /// A report in a format, with so many rows where it is for people.
    pub(crate) fn new(format: Format, top: usize) -> Self {
        let live = format == Format::Text && io::stdout().is_terminal();
        Self {
            format,
            top,
            shown: live.then_some(0),
        }
    }

    /// Tells a look.
    pub(crate) fn look(
        &mut self,
        look: &Look<'_>,
        history: &History,
        every: Duration,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Text => self.table(&heading(look, every), history),
            Format::Json => output::write(|out| write_look_json(out, look, history)),
            Format::Csv => output::write(|out| write_look_csv(out, look)),
        }
    }

    /// Tells what came of it.
    pub(crate) fn summary(&mut self, history: &History, end: End) -> Result<(), Failure> {
        match self.format {
            Format::Json => output::write(|out| {
                let (rows, _) = history.rows(usize::MAX);
                let line = SummaryLine {
                    format: FORMAT,
                    event: "summary",
                    end,
                    ticks: history.ticks(),
                    total: history.total(),
                    rows,
                };
                serde_json::to_writer(&mut *out, &line)?;
                writeln!(out)
            }),
            Format::Csv => Ok(()),
            Format::Text => {
                let (rows, _) = history.rows(self.top);
                output::write(|out| write_summary(out, history, &rows, end))
            }
        }
    }

    fn table(&mut self, heading: &str, history: &History) -> Result<(), Failure> {
        let (columns, lines) = terminal_size::terminal_size()
            .map_or((usize::MAX, usize::MAX), |(width, height)| {
                (usize::from(width.0), usize::from(height.0))
            });
        let is_live = self.shown.is_some();
        // A table that is longer than the screen can't be drawn over.
        let room = if is_live {
            lines.saturating_sub(6).max(1)
        } else {
            usize::MAX
        };
        let (rows, changed) = history.rows(self.top.min(room));
        let mut text = Vec::new();
        write_table(&mut text, heading, history, &rows, changed).map_err(Failure::output)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let shown = self.shown;
        output::write(|out| match shown {
            Some(before) => {
                if before > 0 {
                    write!(out, "\x1b[{before}A\x1b[J")?;
                }
                text.lines()
                    .try_for_each(|line| writeln!(out, "{}", cut(line, columns)))
            }
            None => writeln!(out, "{text}"),
        })?;
        self.shown = shown.map(|_| text.lines().count());
        Ok(())
    }
}

/// A line that does not wrap, for else the next table would be drawn over a part of this one. A
/// title that is too long goes without its style.
fn cut(line: &str, columns: usize) -> String {
    let visible = anstream::adapter::strip_str(line).to_string();
    if visible.chars().count() <= columns {
        return line.to_owned();
    }
    let kept = visible.chars().take(columns.saturating_sub(1));
    kept.chain(['…']).collect()
}

fn heading(look: &Look<'_>, every: Duration) -> String {
    let time = chrono::DateTime::from_timestamp(look.capture.time as i64, 0);
    let time = time.map_or_else(String::new, |time| {
        format!(" at {} UTC", time.format("%H:%M:%S"))
    });
    let kept = match &look.snapshot {
        Some(path) => format!(", kept as {}", path.display()),
        None => String::new(),
    };
    format!(
        "Process {}, look {}{time}, one every {}; it stood still for {}{kept}.",
        look.process.pid,
        look.tick + 1,
        humantime::format_duration(every),
        units::seconds(look.capture.frozen),
    )
}

fn write_table(
    out: &mut dyn Write,
    heading: &str,
    history: &History,
    rows: &[HistoryRow],
    changed: usize,
) -> io::Result<()> {
    writeln!(out, "{heading}")?;
    if let Some(total) = history.total() {
        writeln!(out, "{}", in_words(&total))?;
    }
    if rows.is_empty() {
        return Ok(());
    }
    let titles = " Index     Size    Change  per hour   Count  Change ";
    writeln!(
        out,
        "{TITLE}{titles}{:20} Kind (class / dict of class){TITLE:#}",
        "Verdict"
    )?;
    for (index, row) in rows.iter().enumerate() {
        writeln!(out, "{}", line(index, row))?;
    }
    match changed - rows.len() {
        0 => Ok(()),
        more => writeln!(out, "<{more} more kinds changed. Use --top N to view.>"),
    }
}

fn line(index: usize, row: &HistoryRow) -> String {
    let HistoryRow {
        name,
        first,
        last,
        trend,
    } = row;
    let change = |first: u64, last: u64| i128::from(last) - i128::from(first);
    format!(
        "{index:6} {:8} {:+9} {:>9} {:7} {:+7} {:20} {}",
        last.bytes,
        change(first.bytes, last.bytes),
        rate(*trend),
        last.objects,
        change(first.objects, last.objects),
        verdict(trend.verdict),
        printable(name)
    )
}

/// `+1.23 MB`, `-17 bytes`, of an hour.
fn rate(trend: Trend) -> String {
    let bytes = trend.per_hour.abs().round() as u64;
    match (bytes, trend.per_hour < 0.0) {
        (0, _) => "0".to_owned(),
        (_, true) => format!("-{}", units::bytes(bytes)),
        (_, false) => format!("+{}", units::bytes(bytes)),
    }
}

fn verdict(verdict: Tendency) -> &'static str {
    match verdict {
        Tendency::TooEarly => "too early to tell",
        Tendency::NoGrowth => "no growth",
        Tendency::GrowsSteadily => "grows steadily",
        Tendency::GrowsInSteps => "grows in steps",
        Tendency::Shrinks => "shrinks",
    }
}

/// `All objects: 11.1 MB, 92.4 kB more than at first, +5.54 MB per hour: grows steadily.`
fn in_words(total: &HistoryRow) -> String {
    let HistoryRow {
        first, last, trend, ..
    } = total;
    let Extent { objects, bytes } = *last;
    let change = match bytes.checked_sub(first.bytes) {
        Some(0) => "as at first".to_owned(),
        Some(more) => format!("{} more than at first", units::bytes(more)),
        None => format!("{} less than at first", units::bytes(first.bytes - bytes)),
    };
    let (rate, words) = (rate(*trend), verdict(trend.verdict));
    format!(
        "{}: {}, {change}, {rate} per hour: {words}.",
        counted(objects, "object"),
        units::bytes(bytes)
    )
}

fn write_summary(
    out: &mut dyn Write,
    history: &History,
    rows: &[HistoryRow],
    end: End,
) -> io::Result<()> {
    let looks = counted(history.ticks() as u64, "look");
    let reason = match end {
        End::Reached => format!("Done after {looks}."),
        End::Interrupted => format!("Interrupted after {looks}."),
        End::Ended => format!("The process ended after {looks}."),
        End::Failed => format!("Gave up after {looks}."),
    };
    write!(out, "\n{reason} ")?;
    if let Some(total) = history.total() {
        writeln!(out, "{}", in_words(&total))?;
    }
    let growing = rows.iter().filter(|row| {
        matches!(
            row.trend.verdict,
            Tendency::GrowsSteadily | Tendency::GrowsInSteps
        )
    });
    for row in growing {
        let (rate, words) = (rate(row.trend), verdict(row.trend.verdict));
        let added = units::bytes(row.last.bytes.saturating_sub(row.first.bytes));
        let name = printable(&row.name);
        writeln!(out, "  {name} {words}: {added} more, {rate} per hour")?;
    }
    Ok(())
}

fn write_look_json(out: &mut dyn Write, look: &Look<'_>, history: &History) -> io::Result<()> {
    let last = history.total().map(|total| total.last).unwrap_or_default();
    let line = LookLine {
        format: FORMAT,
        event: "look",
        tick: look.tick,
        pid: look.process.pid,
        time: look.capture.time,
        frozen: look.capture.frozen,
        elapsed: look.capture.elapsed,
        count: last.objects,
        size: last.bytes,
        outside: look.outside,
        snapshot: look.snapshot.as_ref(),
        changes: &look.changes,
    };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)
}

/// `tick,time,count,size,kind`: of the kinds that changed since the look before.
fn write_look_csv(out: &mut dyn Write, look: &Look<'_>) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    if look.tick == 0 {
        writer.write_record(["tick", "time", "count", "size", "kind"])?;
    }
    for change in &look.changes {
        writer.serialize((
            look.tick,
            look.capture.time,
            change.count,
            change.size,
            &change.name,
        ))?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_live_table_wraps() {
        let title = format!("{TITLE} Index     Size{TITLE:#}");
        assert_eq!(cut(&title, 15), title);
        assert_eq!(cut(&title, 10), " Index   …");
        assert_eq!(cut("dict of shop.Größe", 18), "dict of shop.Größe");
        assert_eq!(cut("dict of shop.Größe", 17), "dict of shop.Grö…");
    }

    #[test]
    fn rates_have_a_sign() {
        let rate_of = |per_hour| {
            rate(Trend {
                per_hour,
                verdict: Tendency::NoGrowth,
            })
        };
        assert_eq!(rate_of(1_230_000.0), "+1.23 MB");
        assert_eq!(rate_of(-17.2), "-17 bytes");
        assert_eq!(rate_of(0.2), "0");
    }
}
