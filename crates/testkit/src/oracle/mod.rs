//! A snapshot against what the interpreter says of itself.
//!
//! The program `oracle.py` forks: the child reports its own heap, which is a copy of the
//! parent's, and the parent is dumped. [`run`] does both for one interpreter and compares:
//! the set of tracked objects, and of each object the type, `sys.getsizeof`, heapy's kind and
//! the set of `gc.get_referents`. What is known to differ, and why, stands in `accepted.rs`;
//! everything else is a failure, grouped by what the walker would have to change.

mod accepted;
mod compare;
mod extension;
mod groups;
mod left_out;
mod report;
mod rule;
mod untraversed;

pub use groups::{Difference, Group};
pub use report::{Report, ReportError, ReportedObject, ReportedType};
pub use untraversed::UntraversedError;

use crate::{Exuvia, Interpreter, Launch, Target, Unpacked};
use anyhow::{Context, Result};
use left_out::LeftOut;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::path::Path;
use untraversed::Untraversed;

/// What one interpreter's comparison came to.
#[derive(Debug)]
pub struct Comparison {
    /// The interpreter, described.
    pub interpreter: String,
    /// How many objects were compared.
    pub objects: usize,
    /// How many of them the collector tracks.
    pub tracked: usize,
    /// Of how many types they were.
    pub types: usize,
    /// How many references were compared.
    pub references: usize,
    /// How many arrays of objects have the items that the interpreter says they have.
    pub arrays: usize,
    /// The parts of the zoo that were not made, since what they need can't be imported.
    pub missing: Vec<String>,
    /// The rules that were needed to explain differences, in words.
    pub rules: BTreeSet<String>,
    /// Reasons, and how many differences each one explains.
    pub accepted: BTreeMap<String, usize>,
    /// Differences that nothing explains, the most frequent first.
    pub failures: Vec<Group>,
}

/// Compares one interpreter's report of itself with the snapshot that exuvia makes of it.
pub fn run(interpreter: &Interpreter, exuvia: &Exuvia) -> Result<Comparison> {
    run_by(interpreter, |target, snapshot| {
        exuvia.dump(target.pid(), snapshot).map(drop)
    })
}

/// The same of a process that has the packages of a folder as well, and objects of their types.
pub fn run_with_packages(
    interpreter: &Interpreter,
    packages: &Path,
    exuvia: &Exuvia,
) -> Result<Comparison> {
    let launch = Launch::new(interpreter, "oracle")?.arg(packages);
    run_launched(launch, interpreter, exuvia)
}

/// The same with packages of Debian, for the machine's own interpreter.
pub fn run_with_unpacked(
    interpreter: &Interpreter,
    unpacked: &Unpacked,
    exuvia: &Exuvia,
) -> Result<Comparison> {
    let launch = Launch::new(interpreter, "oracle")?
        .arg(unpacked.modules())
        .variable("LD_LIBRARY_PATH", unpacked.library_path()?);
    run_launched(launch, interpreter, exuvia)
}

fn run_launched(launch: Launch, interpreter: &Interpreter, exuvia: &Exuvia) -> Result<Comparison> {
    compare_with(launch.start()?, interpreter, |target, snapshot| {
        exuvia.dump(target.pid(), snapshot).map(drop)
    })
}

/// The same with a dump of another sort: `dump` writes a snapshot of a process to a path.
pub fn run_by(
    interpreter: &Interpreter,
    dump: impl FnOnce(&Target, &Path) -> Result<()>,
) -> Result<Comparison> {
    compare_with(Target::start(interpreter, "oracle")?, interpreter, dump)
}

fn compare_with(
    mut target: Target,
    interpreter: &Interpreter,
    dump: impl FnOnce(&Target, &Path) -> Result<()>,
) -> Result<Comparison> {
    let report = target.folder_for_itself().join("report");
    target.ask(&format!("report {}", report.display()))?;
    let snapshot = target.folder().join("oracle.exuvia");
    dump(&target, &snapshot)?;

    let report = target.folder().join("report");
    let comparison = compare_process(interpreter, target.pid(), &report, &snapshot)?;
    Ok(Comparison {
        missing: missing(&target),
        ..comparison
    })
}

/// Compares the report of a process with a snapshot of it; the process must wait still, as when
/// both were made.
pub fn compare_process(
    interpreter: &Interpreter,
    pid: u32,
    report: &Path,
    snapshot: &Path,
) -> Result<Comparison> {
    let report = Report::read(report)?;
    let snapshot = exuvia_snapshot::open(snapshot)?;
    let memory = File::open(format!("/proc/{pid}/mem"))
        .context("the memory of the target, to tell where missing references lie")?;
    let (major, minor, _) = interpreter.version;
    let untraversed = Untraversed::read(&format!("{major}.{minor}"))?;
    Ok(compare::compare(
        interpreter,
        &snapshot,
        &report,
        &untraversed,
        &memory,
    ))
}

/// All rules by which differences are accepted, in words.
pub(crate) fn all_rules() -> BTreeSet<String> {
    let accepted = accepted::ACCEPTED.iter().map(ToString::to_string);
    let left_out = left_out::LEFT_OUT.iter().flat_map(LeftOut::parts);
    accepted.chain(left_out).collect()
}

/// The parts of the zoo that a program has not made, as it says.
fn missing(target: &Target) -> Vec<String> {
    let missing = target.greeting()["missing"].as_array();
    let names = missing.into_iter().flatten().filter_map(Value::as_str);
    let parts = names.filter(|name| name.starts_with("make_"));
    parts.map(str::to_owned).collect()
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} objects ({} tracked) of {} types, {} references compared",
            self.interpreter, self.objects, self.tracked, self.types, self.references
        )?;
        if self.arrays > 0 {
            writeln!(
                f,
                "  {:>8} arrays of objects, with their items",
                self.arrays
            )?;
        }
        for (reason, count) in &self.accepted {
            writeln!(f, "  {count:>8} accepted: {reason}")?;
        }
        for group in &self.failures {
            writeln!(f, "  {group}")?;
        }
        Ok(())
    }
}
