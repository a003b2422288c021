use super::{Question, Reason, Suspect, SuspectObject, mentions, survey::Survey};
use crate::{
    ObjectSet, PathOptions, Retained, Step, limits::Limits, python_text::harmless, repr::Repr,
};
use exuvia_graph::BitSet;
use exuvia_snapshot::ObjectId;

/// A suspect is known already when one that says more about the reason keeps at least this part,
/// in percent, of what it keeps.
const SAME: u64 = 50;

/// The longest path of which the last step is looked for in the program.
const STEPS: usize = 1000;

/// What a detector found, before it is compared with the others.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) reason: Reason,
    pub(super) summary: String,
    pub(super) evidence: Vec<String>,
    /// The object to look at.
    pub(super) object: Option<ObjectId>,
    /// Everything that would go with it.
    pub(super) keeps: Retained,
    /// What to ask beside the path to the object.
    pub(super) next: Vec<Question>,
}

impl Finding {
    pub(super) fn suspect(self, survey: &Survey<'_>) -> Suspect {
        let heap = survey.heap;
        let address = |id: ObjectId| heap.snapshot().objects.address[id.index()];
        let object = self.object.map(|id| SuspectObject {
            address: address(id),
            kind: heap.snapshot().kind(id).name.clone(),
            value: Repr::new(heap, Limits::REPRLIB).of(id),
            retained: survey.dominators.retained(id),
        });
        let steps = self.object.and_then(|id| path(survey, id));
        let mut evidence = self.evidence;
        let mentioned = steps
            .as_ref()
            .and_then(|(_, steps)| mentions::in_code(survey, steps));
        evidence.extend(mentioned);
        let path = steps.map(|(text, _)| text);
        let mut next = Vec::new();
        if let Some(object) = &object {
            let at = format!("{:#x}", object.address);
            if path.is_some() {
                next.push(Question::new("paths", ["--at", &at]));
            }
            next.push(Question::new("show", [at.as_str()]));
        }
        next.extend(self.next);
        let bytes = self.keeps.extent.bytes;
        Suspect {
            reason: self.reason,
            summary: self.summary,
            keeps: self.keeps.extent,
            share: bytes as f64 / survey.alive.bytes.max(1) as f64,
            evidence,
            kinds: survey.kinds(&self.keeps.objects),
            object,
            path,
            next,
        }
    }
}

impl Question {
    pub(super) fn new<'a>(
        command: &'static str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            command,
            arguments: arguments.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// The first of the shortest paths to an object, and its steps; none of them where there are
/// too many to be read.
fn path(survey: &Survey<'_>, object: ObjectId) -> Option<(String, Vec<Step>)> {
    let set = ObjectSet::new(survey.heap, vec![object], String::new());
    let paths = survey.heap.shortest_paths(&set, &PathOptions::default());
    let path = paths.iter().next()?;
    let steps = match paths.length() {
        Some(..=STEPS) => path.steps().collect(),
        _ => Vec::new(),
    };
    Some((harmless(&path.to_string()).into_owned(), steps))
}

/// The findings without those that are others seen from another side.
pub(super) fn without_repeats(survey: &Survey<'_>, mut found: Vec<Finding>) -> Vec<Finding> {
    // Within a reason the heaviest comes first.
    found.sort_by_key(|finding| {
        (
            finding.reason,
            std::cmp::Reverse(finding.keeps.extent.bytes),
        )
    });
    let mut kept: Vec<(Finding, BitSet)> = Vec::new();
    for finding in found {
        let is_known = kept.iter().any(|(_, objects)| {
            let both = finding.keeps.objects.iter().copied();
            let both = both.filter(|&object| objects.contains(object));
            survey.sizes(both) >= finding.keeps.extent.bytes / 100 * SAME
        });
        if !is_known {
            let mut objects = BitSet::new(survey.heap.snapshot().objects.len());
            objects.extend(finding.keeps.objects.iter().copied());
            kept.push((finding, objects));
        }
    }
    kept.into_iter().map(|(finding, _)| finding).collect()
}
