use super::analysis::AnalysisReport;
use super::criteria::Criterion;
use super::graph::GraphReport;
use super::inject::InjectReport;
use super::machine::Machine;
use super::measured::{Figure, Row, What};
use super::sizes::Size;
use serde::Serialize;
use std::fmt;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) sizes: Vec<SizeReport>,
    pub(super) criteria: Vec<Criterion>,
    pub(super) analysis: Option<AnalysisReport>,
    pub(super) graph: Option<GraphReport>,
    pub(super) inject: InjectReport,
}

/// What was measured with one number of objects.
#[derive(Debug, Serialize)]
pub(super) struct SizeReport {
    /// The number that was asked for.
    pub(super) nominal: Size,
    /// The number that exuvia counts.
    pub(super) objects: u64,
    pub(super) rows: Vec<Row>,
}

impl SizeReport {
    /// The line of one thing.
    pub(super) fn row(&self, what: What) -> Option<&Row> {
        self.rows.iter().find(|row| row.what == what)
    }
}

impl fmt::Display for Report {
    /// Markdown: the machine, the table, the criteria.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.machine)?;
        if !self.sizes.is_empty() {
            write_table(f, &self.sizes)?;
        }
        if let Some(graph) = &self.graph {
            write_graph(f, graph)?;
        }
        write!(f, "{}", self.inject)?;
        writeln!(f, "| what | objects | to reach | measured | |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for criterion in &self.criteria {
            writeln!(f, "{criterion}")?;
        }
        Ok(())
    }
}

fn write_graph(f: &mut fmt::Formatter<'_>, graph: &GraphReport) -> fmt::Result {
    writeln!(
        f,
        "| objects | references | dominators and retained sizes | peak memory | per object |"
    )?;
    writeln!(f, "|---|---|---|---|---|")?;
    for row in &graph.rows {
        writeln!(
            f,
            "| {} M | {} M | {} | {} | {:.0} bytes |",
            row.objects / 1_000_000,
            (row.references + 500_000) / 1_000_000,
            seconds(row.seconds),
            bytes(row.peak as f64),
            row.peak as f64 / row.objects as f64
        )?;
    }
    writeln!(
        f,
        "\nTime grows with the number of objects to the power of {:.2}, memory to the power of {:.2}.\n",
        graph.growth.seconds, graph.growth.peak
    )
}

fn write_table(f: &mut fmt::Formatter<'_>, sizes: &[SizeReport]) -> fmt::Result {
    writeln!(
        f,
        "| objects | what | runs | target stood still | heartbeat's longest gap | wall \
         | peak memory | per object | growth of the target |"
    )?;
    writeln!(f, "|---|---|---|---|---|---|---|---|---|")?;
    for size in sizes {
        for row in &size.rows {
            write_row(f, size, row)?;
        }
    }
    writeln!(f, "\nMedians, and the smallest in brackets.\n")
}

fn write_row(f: &mut fmt::Formatter<'_>, size: &SizeReport, row: &Row) -> fmt::Result {
    let objects = size.objects as f64;
    let peak = |figure: Figure| format!("{:.0} bytes of memory", figure.median / objects);
    let per_object = match (row.disk, row.peak) {
        (Some(disk), Some(figure)) => format!("{}, {:.1} on disk", peak(figure), disk.median),
        (None, Some(figure)) => peak(figure),
        (_, None) => String::new(),
    };
    let growth = row.growth.map(|growth| growth.to_string());
    let cells = [
        size.nominal.to_string(),
        row.what.to_string(),
        row.runs.to_string(),
        show(row.frozen, seconds),
        show(row.gap, seconds),
        show(Some(row.wall), seconds),
        show(row.peak, bytes),
        per_object,
        growth.unwrap_or_default(),
    ];
    writeln!(f, "| {} |", cells.join(" | "))
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Heap => "`exuvia heap`",
            Self::Paths => "`exuvia paths`, rare object",
            Self::Dump => "`exuvia dump --values none`",
            Self::Fork => "`os.fork()` there",
            Self::GuppyHeap => "guppy3 `heap()`",
            Self::GuppyTable => "guppy3, printing it",
            Self::GuppyPaths => "guppy3 `shpaths`, rare object",
        })
    }
}

fn show(figure: Option<Figure>, unit: fn(f64) -> String) -> String {
    figure.map_or_else(String::new, |figure| {
        format!("{} ({})", unit(figure.median), unit(figure.min))
    })
}

/// `4.1 ms`, `12.3 s`.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 10.0 => format!("{s:.1} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 0.1 => format!("{:.0} ms", s * 1e3),
        s => format!("{:.1} ms", s * 1e3),
    }
}

fn bytes(bytes: f64) -> String {
    format!("{:.0} MB", bytes / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_at_most() {
        let shown = [0.000_44, 0.0123, 0.25, 3.456, 61.27].map(seconds);
        assert_eq!(shown, ["0.4 ms", "12.3 ms", "250 ms", "3.46 s", "61.3 s"]);
    }
}
