use super::{Folded, Holder, MergedStep, Merging};
use crate::Extent;
use exuvia_snapshot::ObjectId;

/// A step that is the same for some objects, before it is known how it goes on.
#[derive(Debug)]
pub(super) struct Branch {
    /// What the step puts behind the path so far.
    pub(super) text: String,
    /// Whether the path begins with it.
    pub(super) is_first: bool,
    /// What it puts before that.
    pub(super) before: &'static str,
    /// The objects to which it leads.
    pub(super) members: Vec<ObjectId>,
    /// The wanted objects at or behind them.
    pub(super) extent: Extent,
}

/// So many steps of a long row are shown at its beginning, and at its end.
const ENDS: usize = 12;

impl Merging<'_> {
    /// The steps that some branches make, as far as the limits go, and the rest.
    pub(super) fn expand(
        &self,
        mut branches: Vec<Branch>,
        depth: usize,
    ) -> (Vec<MergedStep>, Folded) {
        branches.sort_by(|a, b| {
            let size = b.extent.bytes.cmp(&a.extent.bytes);
            let count = b.extent.objects.cmp(&a.extent.objects);
            let text = a.text.cmp(&b.text);
            size.then(count)
                .then(text)
                .then_with(|| a.members.cmp(&b.members))
        });
        let large = branches
            .iter()
            .take_while(|branch| branch.extent.bytes >= self.smallest)
            .count();
        let mut shown = if depth == 0 {
            0
        } else {
            large.min(self.limits.branches)
        };
        // A line that says that one is left would take the same place.
        if shown > 0 && branches.len() - shown == 1 {
            shown += 1;
        }
        let mut folded = Folded::default();
        for branch in branches.drain(shown..) {
            folded.steps += 1;
            folded.extent.join(branch.extent);
        }
        let steps = branches.into_iter().map(|branch| self.step(branch, depth));
        (steps.collect(), folded)
    }

    /// A branch with all that follows it without a split, and what comes then.
    fn step(&self, first: Branch, depth: usize) -> MergedStep {
        let extent = first.extent;
        let mut row = Row {
            begins_path: first.is_first,
            ..Row::default()
        };
        let mut branch = first;
        let mut here = Extent::default();
        let next = loop {
            row.push(self, &branch);
            let at_end = self.here(&branch.members);
            here.join(at_end);
            if self.limits.first_only && at_end.objects == branch.members.len() as u64 {
                break Vec::new();
            }
            let mut next = self.branches(&branch.members);
            // A step that repeats makes a linked list, all of whose nodes may be wanted.
            let goes_on = |only: &Branch| at_end.objects == 0 || only.text == branch.text;
            match next.pop_if(|only| goes_on(only)) {
                Some(only) if next.is_empty() => branch = only,
                Some(other) => {
                    next.push(other);
                    break next;
                }
                None => break next,
            }
        };
        let (steps, folded) = self.expand(next, depth - 1);
        MergedStep {
            text: row.text(),
            length: row.length,
            extent,
            here,
            ends: branch.members.len() as u64,
            kind: self.kind_of(&branch.members),
            holder: row.holder,
            steps,
            folded,
        }
    }

    /// The wanted objects among some.
    fn here(&self, members: &[ObjectId]) -> Extent {
        let mut here = Extent::default();
        let wanted = members.iter().filter(|&&id| self.targets.contains(id));
        wanted.for_each(|id| here.add(self.heap.snapshot().objects.size[id.index()]));
        here
    }

    /// The kind of some objects, if they have one.
    fn kind_of(&self, members: &[ObjectId]) -> Option<String> {
        let snapshot = self.heap.snapshot();
        let (first, others) = members.split_first()?;
        let kind = |id: ObjectId| snapshot.objects.kind[id.index()];
        let same = others.iter().all(|&id| kind(id) == kind(*first));
        same.then(|| snapshot.kind(*first).name.clone())
    }
}

/// Steps in a row.
#[derive(Debug, Default)]
struct Row {
    before: String,
    first: String,
    last: std::collections::VecDeque<String>,
    length: usize,
    holder: Option<Holder>,
    /// Whether its first step is a root.
    begins_path: bool,
}

impl Row {
    fn push(&mut self, merging: &Merging<'_>, branch: &Branch) {
        self.length += 1;
        self.before.truncate(1024);
        self.before.push_str(branch.before);
        if self.length <= ENDS {
            self.first.push_str(&branch.text);
        } else {
            self.last.push_back(branch.text.clone());
            if self.last.len() > ENDS {
                self.last.pop_front();
            }
        }
        if let [single] = *branch.members {
            let snapshot = merging.heap.snapshot();
            self.holder = Some(Holder {
                address: snapshot.objects.address[single.index()],
                kind: snapshot.kind(single).name.clone(),
            });
        }
    }

    fn text(&self) -> String {
        // As in a path's steps, `%s` stands for the path so far where a step encloses it.
        let path = match self.before.is_empty() || self.begins_path {
            true => "",
            false => "%s",
        };
        let mut text = format!("{}{path}{}", self.before, self.first);
        let left_out = self.length - self.first_steps() - self.last.len();
        if left_out > 0 {
            text.push_str(&format!(" … {left_out} steps … "));
        }
        self.last.iter().for_each(|step| text.push_str(step));
        text
    }

    fn first_steps(&self) -> usize {
        self.length.min(ENDS)
    }
}
