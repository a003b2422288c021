use super::criteria::Criterion;
use super::environment::Environment;
use super::figures::seconds;
use super::service::{Mix, Service};
use super::sizes::Size;
use super::tool::Tool;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Objects of the heap that guppy3 and exuvia are asked about.
const PEERS: u64 = 5;
/// Objects of the heap whose snapshot is opened again.
const REOPENED: u64 = 10;
/// How many objects the set has to which paths are asked for.
const TICKETS: u64 = 80_000;
/// How much faster than guppy3 each question is to be answered.
const FACTOR: f64 = 20.0;

/// A question, and how long its answer took, in seconds.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Answered {
    /// In heapy's words.
    pub(super) question: &'static str,
    /// In guppy3, with the heap already made; each answer as text.
    pub(super) guppy: f64,
    /// In exuvia, with the snapshot already open.
    pub(super) exuvia: f64,
    /// The same, from the start of the program to its end.
    pub(super) whole: f64,
}

/// The second look at a snapshot.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Reopened {
    pub(super) objects: u64,
    /// Of the first `heap --retained`, which computes it.
    pub(super) first: f64,
    /// Of the second one, which finds it.
    pub(super) second: f64,
    /// The largest resident size of that one.
    pub(super) peak: f64,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AnalysisReport {
    pub(super) answered: Vec<Answered>,
    pub(super) reopened: Reopened,
}

/// What `heapy.py` answers.
#[derive(Debug, Deserialize)]
struct Heapy {
    domisize: f64,
    rows: u64,
    byrcs: f64,
    rp: f64,
    shpaths: f64,
}

/// Asks guppy3 inside a service and exuvia from a snapshot of another one like it; then opens the
/// snapshot of a larger one twice.
pub(super) fn measure(environment: &Environment, tool: &Tool, runs: u32) -> Result<AnalysisReport> {
    let mix = Mix::measure(environment, tool)?;
    let size = Size::millions(PEERS);
    eprintln!("\n== analysis of {size} objects");
    let answered = {
        let folder = tempfile::tempdir()?;
        let snapshot = folder.path().join("bench.exuvia");
        let mut service = Service::with_tickets(environment, mix.customers_for(size), TICKETS)?;
        tool.keep(service.pid(), &snapshot)?;
        let heapy: Heapy = service.ask("analysis")?;
        drop(service);
        compare(tool, &heapy, &snapshot, runs)?
    };
    let size = Size::millions(REOPENED);
    eprintln!("\n== a snapshot of {size} objects, opened twice");
    let folder = tempfile::tempdir()?;
    let snapshot = folder.path().join("bench.exuvia");
    let service = Service::start(environment, mix.customers_for(size))?;
    let objects = tool.keep(service.pid(), &snapshot)?;
    size.check(objects)?;
    drop(service);
    let (first, _) = tool.ask(&["heap", "--retained"], &snapshot)?;
    let (second, peak) = best(tool, &["heap", "--retained"], &snapshot, runs)?;
    eprintln!("first {}, second {}", seconds(first), seconds(second));
    Ok(AnalysisReport {
        answered,
        reopened: Reopened {
            objects,
            first,
            second,
            peak,
        },
    })
}

fn compare(tool: &Tool, heapy: &Heapy, snapshot: &Path, runs: u32) -> Result<Vec<Answered>> {
    ensure!(heapy.rows >= 10, "guppy3's table has {} rows", heapy.rows);
    // The dominators are not to be found beside the snapshot: what guppy3 computes, exuvia
    // computes as well. Only the first question about a snapshot does so.
    let forget = || {
        for file in ["analysis.json", "analysis.parquet"] {
            let _ = std::fs::remove_file(snapshot.join(file));
        }
    };
    let order = ["--kind", "__main__.Order"];
    let ticket = ["--kind", "__main__.Ticket"];
    let mut answered = Vec::new();
    for (question, guppy, arguments) in [
        (
            "`domisize` of every row of the table",
            heapy.domisize,
            vec!["heap", "--retained"],
        ),
        (
            "`byrcs` of everything",
            heapy.byrcs,
            vec!["heap", "--by", "rcs"],
        ),
        (
            "`rp` of a class",
            heapy.rp,
            [&["pattern"], &order[..]].concat(),
        ),
        (
            "`shpaths` of 80k objects",
            heapy.shpaths,
            [&["paths"], &ticket[..]].concat(),
        ),
    ] {
        let (mut answers, mut wholes) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            forget();
            wholes.push(tool.ask(&arguments, snapshot)?.0);
            forget();
            answers.push(tool.answer(&arguments, snapshot)?);
        }
        let exuvia = median(answers).context("no run")?;
        let whole = median(wholes).context("no run")?;
        eprintln!(
            "{question}: guppy3 {}, exuvia {}, {} with the opening of the snapshot",
            seconds(guppy),
            seconds(exuvia),
            seconds(whole)
        );
        answered.push(Answered {
            question,
            guppy,
            exuvia,
            whole,
        });
    }
    Ok(answered)
}

/// The median time of some runs, and the largest memory.
fn best(tool: &Tool, arguments: &[&str], snapshot: &Path, runs: u32) -> Result<(f64, f64)> {
    let mut times = Vec::new();
    let mut peak = 0.0_f64;
    for _ in 0..runs {
        let (time, memory) = tool.ask(arguments, snapshot)?;
        times.push(time);
        peak = peak.max(memory);
    }
    Ok((median(times).context("no run")?, peak))
}

fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

impl AnalysisReport {
    /// Whether the figures to reach are reached.
    pub(super) fn criteria(&self) -> Vec<Criterion> {
        let answered = self.answered.iter().map(|answered| {
            let factor = answered.guppy / answered.exuvia;
            Criterion::new(
                answered.question,
                Size::millions(PEERS),
                format!("≥ 20 × faster than guppy3 ({})", seconds(answered.guppy)),
                format!(
                    "{}, {factor:.0} ×; {} with opening the snapshot, {:.0} ×",
                    seconds(answered.exuvia),
                    seconds(answered.whole),
                    answered.guppy / answered.whole
                ),
                factor >= FACTOR,
            )
        });
        let Reopened { second, peak, .. } = self.reopened;
        let reopened = Criterion::new(
            "second `exuvia heap SNAPSHOT --retained`",
            Size::millions(REOPENED),
            "≤ 1 s, ≤ 300 MB",
            format!("{}, {:.0} MB", seconds(second), peak / 1e6),
            second <= 1.0 && peak <= 300e6,
        );
        answered.chain([reopened]).collect()
    }
}
