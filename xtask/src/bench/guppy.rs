use super::census::Census;
use super::environment::Environment;
use super::measured::{Row, Sample, What};
use super::service::{Gaps, Service};
use super::target::BUDGET;
use anyhow::{Result, ensure};
use serde::Deserialize;
use std::time::Instant;

/// What `heapy.py` answers.
#[derive(Debug, Deserialize)]
struct Answer {
    steps: Steps,
    table: String,
    paths: String,
}

#[derive(Debug, Deserialize)]
struct Steps {
    heap: Step,
    table: Step,
    paths: Step,
}

/// Seconds, and bytes above what the process held before.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Step {
    wall: f64,
    gaps: Gaps,
    peak: f64,
}

/// What guppy3 takes in a process of its own, which examines itself.
pub(super) fn measure(environment: &Environment, customers: u64, runs: u32) -> Result<Vec<Row>> {
    let begun = Instant::now();
    let mut growth = None;
    let mut taken = Vec::new();
    for run in 0..runs {
        if run > 0 && begun.elapsed() > BUDGET {
            break;
        }
        // A new process each time: the first `heap()` is the one that a user waits for.
        let mut service = Service::start(environment, customers)?;
        let before = Census::take(&mut service)?;
        let answer: Answer = service.ask("heapy")?;
        growth.get_or_insert(before.growth(&Census::take(&mut service)?));
        let steps = answer.steps;
        ensure!(
            answer.table.starts_with("Partition of a set") && answer.paths.contains("Root"),
            "guppy3 printed\n{}\n{}",
            answer.table,
            answer.paths
        );
        eprintln!(
            "guppy3: heap() {:.2} s, table {:.2} s, shpaths {:.2} s",
            steps.heap.wall, steps.table.wall, steps.paths.wall
        );
        taken.push(steps);
    }
    let row = |what, step: fn(&Steps) -> Step, growth| {
        let samples: Vec<Sample> = taken.iter().map(|steps| step(steps).into()).collect();
        Row::of(what, &samples, growth)
    };
    let rows = [
        row(What::GuppyHeap, |steps| steps.heap, None),
        row(What::GuppyTable, |steps| steps.table, None),
        row(What::GuppyPaths, |steps| steps.paths, growth),
    ];
    Ok(rows.into_iter().flatten().collect())
}

impl From<Step> for Sample {
    fn from(step: Step) -> Self {
        Self {
            // All other threads wait for the GIL while the heart does not beat.
            frozen: Some(step.gaps.still),
            gap: Some(step.gaps.longest),
            wall: step.wall,
            peak: Some(step.peak),
            disk: None,
        }
    }
}
