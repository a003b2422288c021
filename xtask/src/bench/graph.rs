use super::criteria::Criterion;
use super::plot;
use super::sizes::Size;
use crate::cargo;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::Command;

/// Numbers of objects in the generated heaps, in millions.
const MILLIONS: [u64; 5] = [1, 3, 10, 30, 100];

/// What dominators and retained sizes of a generated heap cost: a line of the table.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct GraphRow {
    /// Objects.
    pub(super) objects: u64,
    /// References.
    pub(super) references: u64,
    /// Seconds for both, on one core.
    pub(super) seconds: f64,
    /// The largest resident size of the process, the heap itself included.
    pub(super) peak: u64,
    total: u64,
    reached: u64,
}

/// How cost grows with the number of objects: `cost = factor × objects ^ exponent`, by least
/// squares on the logarithms.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Growth {
    /// Of the time.
    pub(super) seconds: f64,
    /// Of the memory.
    pub(super) peak: f64,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct GraphReport {
    pub(super) rows: Vec<GraphRow>,
    pub(super) growth: Growth,
}

/// Measures heaps that grow, each in a process of its own, and draws them into a file.
pub(super) fn measure(runs: u32, picture: Option<&Path>) -> Result<GraphReport> {
    let program = cargo::build_example("exuvia-graph", "dominators")?;
    let mut rows = Vec::new();
    for millions in MILLIONS {
        // The largest one takes a minute with what it takes to generate it.
        let runs = if millions < 30 { runs } else { 1 };
        let mut samples = Vec::new();
        for _ in 0..runs {
            samples.push(run(&program, millions * 1_000_000)?);
        }
        samples.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let row = samples[samples.len() / 2];
        eprintln!(
            "{millions} M objects: {:.2} s, {:.1} bytes per object",
            row.seconds,
            row.peak as f64 / row.objects as f64
        );
        rows.push(row);
    }
    let growth = Growth {
        seconds: exponent(rows.iter().map(|row| (row.objects as f64, row.seconds))),
        peak: exponent(rows.iter().map(|row| (row.objects as f64, row.peak as f64))),
    };
    let report = GraphReport { rows, growth };
    if let Some(picture) = picture {
        plot::draw(&report, picture).with_context(|| picture.display().to_string())?;
    }
    Ok(report)
}

fn run(program: &Path, objects: u64) -> Result<GraphRow> {
    let output = Command::new(program).arg(objects.to_string()).output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let row: GraphRow = serde_json::from_slice(&output.stdout)?;
    // Every object is on the tree that the heap hangs on.
    ensure!(
        row.reached == objects && row.total == 64 * objects,
        "{row:?}"
    );
    Ok(row)
}

impl GraphReport {
    /// Whether the figures to reach are reached.
    pub(super) fn criteria(&self) -> Vec<Criterion> {
        let at = |millions: u64| {
            self.rows
                .iter()
                .find(|row| row.objects == millions * 1_000_000)
        };
        let ten = at(10).map(|row| {
            let bytes = row.peak as f64 / row.objects as f64;
            Criterion::new(
                "dominators and retained sizes, one core",
                Size::millions(10),
                "≤ 4 s, ≤ 80 bytes per object in all",
                format!("{:.2} s, {bytes:.0} bytes", row.seconds),
                row.seconds <= 4.0 && bytes <= 80.0,
            )
        });
        let hundred = at(100).map(|row| {
            let gigabytes = row.peak as f64 / 1e9;
            Criterion::new(
                "dominators and retained sizes, one core",
                Size::millions(100),
                "≤ 60 s, ≤ 10 GB",
                format!("{:.1} s, {gigabytes:.1} GB", row.seconds),
                row.seconds <= 60.0 && gigabytes <= 10.0,
            )
        });
        ten.into_iter().chain(hundred).collect()
    }
}

fn exponent(points: impl Iterator<Item = (f64, f64)>) -> f64 {
    let points: Vec<_> = points.map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = points.len() as f64;
    let mean_x = points.iter().map(|point| point.0).sum::<f64>() / count;
    let mean_y = points.iter().map(|point| point.1).sum::<f64>() / count;
    let together: f64 = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    let alone: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    together / alone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_of_a_power() {
        let square = [1.0, 10.0, 100.0].map(|x: f64| (x, 3.0 * x * x));
        assert!((exponent(square.into_iter()) - 2.0).abs() < 1e-9);
    }
}
