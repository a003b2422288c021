//! Whether limits hold.

use super::json::Source;
use super::{counted, printable, units};
use anstyle::{AnsiColor, Style};
use exuvia_query::{Heap, Measure, Verdict};
use serde::Serialize;
use std::io::{self, Write};

const PASSED: Style = AnsiColor::Green.on_default();
const EXCEEDED: Style = AnsiColor::Red.on_default().bold();

/// Writes a line for each limit, and how the objects are held where there are too many.
pub(crate) fn write(out: &mut dyn Write, verdicts: &[Verdict]) -> io::Result<()> {
    for verdict in verdicts {
        let text = sentence(verdict);
        match verdict.passed {
            true => writeln!(out, "{PASSED}ok      {PASSED:#}  {}", printable(&text))?,
            false => writeln!(out, "{EXCEEDED}exceeded{EXCEEDED:#}  {}", printable(&text))?,
        }
        for path in &verdict.paths {
            writeln!(out, "            {}", printable(path))?;
        }
    }
    Ok(())
}

/// What was found, and what is allowed.
pub(super) fn sentence(verdict: &Verdict) -> String {
    let Verdict {
        limitation, found, ..
    } = verdict;
    let most = limitation.most;
    let name = limitation.name.as_deref().unwrap_or_default();
    match limitation.measure {
        Measure::Count => format!("{name}: {} of at most {most}", counted(*found, "object")),
        Measure::Size => format!("{name}: {}", bytes(*found, most)),
        Measure::Retained => format!("{name}: retained {}", bytes(*found, most)),
        Measure::Garbage => format!("garbage: {}", bytes(*found, most)),
    }
}

fn bytes(found: u64, most: u64) -> String {
    format!("{} of at most {}", units::bytes(found), units::bytes(most))
}

/// Writes a line for each limit: `measure,name,most,found,passed`.
pub(crate) fn write_csv(out: &mut dyn Write, verdicts: &[Verdict]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["measure", "name", "most", "found", "passed"])?;
    for verdict in verdicts {
        let limitation = &verdict.limitation;
        writer.serialize((
            limitation.measure,
            &limitation.name,
            limitation.most,
            verdict.found,
            verdict.passed,
        ))?;
    }
    writer.flush()
}

/// What `exuvia check --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct CheckDocument<'a> {
    format: &'static str,
    passed: bool,
    checks: &'a [Verdict],
    #[serde(flatten)]
    source: Source<'a>,
}

impl<'a> CheckDocument<'a> {
    /// What came of some limits.
    pub(crate) fn new(heap: &'a Heap, checks: &'a [Verdict]) -> Self {
        Self {
            format: "exuvia-check/1",
            passed: checks.iter().all(|verdict| verdict.passed),
            checks,
            source: Source::of(heap),
        }
    }
}
