//! Suspects: what probably leaks, with the evidence.
//!
//! Each detector is a file and looks for one way in which Python programs leak; its thresholds
//! are there, with their reasons. Detectors find the same leak from several sides: a cache is a
//! container, and what is in it are many objects of one class. Of suspects that keep the same
//! objects, the one that says most about the reason stays. `docs/leaks.md` explains all of it to
//! users.

mod accumulation;
mod atexit;
mod bound_methods;
mod by_class;
mod caches;
mod containers;
mod cyclic_garbage;
mod ended_threads;
mod finding;
mod mentions;
mod native_holders;
mod survey;
mod suspended;
mod tracebacks;
mod uncollectable;

use crate::{Excerpt, Extent, Heap};
use finding::{Finding, without_repeats};
use serde::Serialize;
use survey::Survey;

/// What probably leaks: the heaviest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leaks {
    /// The live objects.
    pub alive: Extent,
    /// The suspects; none in a healthy process.
    pub suspects: Vec<Suspect>,
}

/// Something that probably leaks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspect {
    /// How it leaks.
    pub reason: Reason,
    /// What is the matter, in a sentence.
    pub summary: String,
    /// The objects and bytes that it keeps; of garbage, that are waiting.
    pub keeps: Extent,
    /// Those bytes as a part of all live ones.
    pub share: f64,
    /// Facts that speak for it, a sentence each.
    pub evidence: Vec<String>,
    /// What it keeps by kind: those that take most, and how many more kinds there are.
    pub kinds: Excerpt<KeptKind>,
    /// The object to look at; of several the one that keeps most.
    pub object: Option<SuspectObject>,
    /// A shortest path from the roots to it.
    pub path: Option<String>,
    /// What to ask next.
    pub next: Vec<Question>,
}

/// How something leaks. The order is that in which reasons say more about the cause: of suspects
/// that keep the same objects, the first stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// `gc.garbage` holds what the collector could not free.
    UncollectableGarbage,
    /// Functions for the end of the process hold it.
    Atexit,
    /// `Thread` objects of threads that have ended hold it.
    EndedThread,
    /// Tracebacks of kept exceptions hold it.
    Traceback,
    /// Generators or coroutines hold it that nobody goes on with.
    Suspended,
    /// A cache without a bound holds it.
    Cache,
    /// Bound methods in a registry hold it.
    BoundMethod,
    /// Native code holds it.
    Native,
    /// A container that is unusually large.
    Container,
    /// One object keeps a large part of the heap.
    Accumulation,
    /// Many objects of one class.
    Class,
    /// Garbage that waits for the collector.
    CyclicGarbage,
}

/// The objects of one kind that a suspect keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptKind {
    /// Their kind.
    pub name: String,
    /// How many they are, and their bytes.
    #[serde(flatten)]
    pub extent: Extent,
}

/// An object that a suspect is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuspectObject {
    /// Where it lies.
    pub address: u64,
    /// Its kind.
    pub kind: String,
    /// Its value as `repr` would print it, shortened.
    pub value: String,
    /// The bytes that would be freed if it went.
    pub retained: u64,
}

/// A command that tells more, for the same target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// `show`, `paths`, `threads`.
    pub command: &'static str,
    /// What follows the target.
    pub arguments: Vec<String>,
}

impl Heap {
    /// What probably leaks, the heaviest first. Nothing is found in a healthy process.
    pub fn leaks(&self) -> Leaks {
        let survey = Survey::of(self);
        let detectors: [fn(&Survey<'_>) -> Vec<Finding>; 12] = [
            uncollectable::find,
            atexit::find,
            ended_threads::find,
            tracebacks::find,
            suspended::find,
            caches::find,
            bound_methods::find,
            native_holders::find,
            containers::find,
            by_class::find,
            accumulation::find,
            cyclic_garbage::find,
        ];
        let found = detectors.iter().flat_map(|find| find(&survey)).collect();
        let mut findings = without_repeats(&survey, found);
        // The sort keeps the order of reasons among equals.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.keeps.extent.bytes));
        Leaks {
            alive: survey.alive,
            suspects: findings
                .into_iter()
                .map(|finding| finding.suspect(&survey))
                .collect(),
        }
    }
}
