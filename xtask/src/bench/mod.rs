//! `cargo xtask bench`: what exuvia costs, next to guppy3 and `os.fork()` in the same run.
//!
//! `docs/benchmarks.md` says how each figure is taken. A service of a given number of objects
//! is started twice: one process is examined by exuvia, and forks; the other examines itself
//! with guppy3, so that what guppy3 leaves behind does not count against exuvia.

mod analysis;
mod census;
mod criteria;
mod environment;
mod figures;
mod graph;
mod guppy;
mod inject;
mod machine;
mod measured;
mod native;
mod plot;
mod service;
mod sizes;
mod target;
mod tool;
mod watch;

use crate::cargo;
use anyhow::{Context, Result};
use environment::Environment;
use exuvia_testkit::{Interpreter, supported};
use figures::{Report, SizeReport};
use inject::InjectReport;
use machine::Machine;
use service::Mix;
use sizes::Size;
use std::fs;
use std::path::PathBuf;
use tool::Tool;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Numbers of objects, such as 100k or 5m
    #[arg(long, value_delimiter = ',', default_value = "100k,1m,5m")]
    sizes: Vec<Size>,
    /// Only one part
    #[arg(long)]
    only: Option<Part>,
    /// How often each figure is taken; less often where one round takes minutes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// The interpreter of the service; else the newest supported one that guppy3 installs for
    #[arg(long)]
    python: Option<PathBuf>,
    /// A built exuvia; else the workspace's own, built for release
    #[arg(long)]
    exuvia: Option<PathBuf>,
    /// Also write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also draw how dominators grow with the number of objects into this SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The service, next to guppy3 and `os.fork()`.
    Service,
    /// Native traversal.
    Native,
    /// Dominators of generated heaps.
    Graph,
    /// Analysis of snapshots, next to guppy3.
    Analysis,
    /// A service under load that `exuvia watch` looks at.
    Watch,
    /// Code in running processes of every interpreter.
    Inject,
    /// The same hundreds of times, in processes that are at work.
    Endurance,
}

impl Args {
    fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    /// What is measured with every interpreter, unless one was named.
    fn interpreters(&self) -> Result<Vec<Interpreter>> {
        match &self.python {
            Some(python) => Ok(vec![Interpreter::at(python)?]),
            None => supported(),
        }
    }
}

/// Prints the table, the criteria, and the machine that it all ran on.
pub(crate) fn run(args: &Args) -> Result<()> {
    let program = match &args.exuvia {
        Some(program) => program.clone(),
        None => cargo::build_exuvia("release")?,
    };
    let tool = Tool::at(program)?;
    let environment = Environment::prepare(args.python.as_deref())?;
    let mut sizes = Vec::new();
    if args.wants(Part::Service) {
        let mix = Mix::measure(&environment, &tool)?;
        for size in &args.sizes {
            sizes.push(measure(*size, &environment, &tool, mix, args.runs)?);
        }
    }
    let mut criteria = criteria::judge(&sizes);
    if args.wants(Part::Native) {
        criteria.extend(native::measure(&environment.interpreter, &tool, args.runs)?);
    }
    let mut analysis = None;
    if args.wants(Part::Analysis) {
        let report = analysis::measure(&environment, &tool, args.runs)?;
        criteria.extend(report.criteria());
        analysis = Some(report);
    }
    if args.wants(Part::Watch) {
        criteria.extend(watch::measure(&environment, &tool)?);
    }
    let mut graph = None;
    if args.wants(Part::Graph) {
        let report = graph::measure(args.runs, args.plot.as_deref())?;
        criteria.extend(report.criteria());
        graph = Some(report);
    }
    let mut inject = InjectReport::default();
    for interpreter in &args.interpreters()? {
        if args.wants(Part::Inject) {
            inject.time(interpreter, &tool)?;
        }
        if args.wants(Part::Endurance) {
            inject.endure(interpreter, &tool);
        }
    }
    criteria.extend(inject.criteria());
    let report = Report {
        machine: Machine::describe(&environment)?,
        criteria,
        sizes,
        analysis,
        graph,
        inject,
    };
    print!("{report}");
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&report)?;
        fs::write(path, json + "\n").with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn measure(
    size: Size,
    environment: &Environment,
    tool: &Tool,
    mix: Mix,
    runs: u32,
) -> Result<SizeReport> {
    let customers = mix.customers_for(size);
    eprintln!("\n== {size} objects: {customers} customers and their orders");
    let (objects, mut rows) = target::measure(environment, tool, customers, runs)
        .with_context(|| format!("exuvia at {size} objects"))?;
    size.check(objects)?;
    let guppy = guppy::measure(environment, customers, runs)
        .with_context(|| format!("guppy3 at {size} objects"))?;
    rows.extend(guppy);
    Ok(SizeReport {
        nominal: size,
        objects,
        rows,
    })
}
