use crate::{PathEdge, ShortestPathGraph};
use exuvia_snapshot::ObjectId;
use std::borrow::Cow;

/// The paths of a [`ShortestPathGraph`] one after the other, each as its edges.
///
/// Like an odometer: the last step turns fastest. The memory needed is that of one path
/// and the edges beside it. Of very many edges only the first are sorted until more are
/// asked for.
#[derive(Debug)]
pub struct Walks<'g, F> {
    graph: &'g ShortestPathGraph,
    sort: F,
    steps: Vec<Choice<'g>>,
    finished: bool,
}

/// A step of the current path, and the edges among which it chooses.
#[derive(Debug, Default)]
struct Choice<'g> {
    source: Option<ObjectId>,
    /// A single edge needs neither sorting nor memory of its own.
    edges: Cow<'g, [PathEdge]>,
    /// How many of them are in order, from the front on.
    sorted: usize,
    chosen: usize,
}

/// How many of an object's edges are sorted at first.
const FIRST: usize = 100;

impl<'g, F> Walks<'g, F>
where
    F: FnMut(Option<ObjectId>, &mut [PathEdge], usize),
{
    pub(crate) fn new(graph: &'g ShortestPathGraph, sort: F) -> Self {
        let mut walks = Self {
            graph,
            sort,
            steps: Vec::new(),
            finished: false,
        };
        walks.steps.resize_with(graph.length(), Choice::default);
        walks.begin(0);
        walks
    }

    /// Takes the first edge at this step and at all after it.
    fn begin(&mut self, from: usize) {
        for index in from..self.steps.len() {
            let source = index
                .checked_sub(1)
                .and_then(|before| self.steps[before].target());
            let step = &mut self.steps[index];
            // Sorting many edges takes long: those of the object that came last serve again.
            if step.edges.is_empty() || step.source != source {
                step.source = source;
                step.edges = Cow::Borrowed(self.graph.edges(source));
                step.sorted = 0;
                step.sort(&mut self.sort, FIRST);
            }
            step.chosen = 0;
            if step.edges.is_empty() {
                self.finished = true;
                return;
            }
        }
    }

    /// Turns to the path that comes next.
    fn turn(&mut self) {
        for index in (0..self.steps.len()).rev() {
            let step = &mut self.steps[index];
            if step.chosen + 1 < step.edges.len() {
                step.chosen += 1;
                if step.chosen == step.sorted {
                    step.sort(&mut self.sort, usize::MAX);
                }
                return self.begin(index + 1);
            }
        }
        self.finished = true;
    }
}

impl Choice<'_> {
    /// Brings further edges into order, at most as many as wanted.
    fn sort<F>(&mut self, sort: &mut F, wanted: usize)
    where
        F: FnMut(Option<ObjectId>, &mut [PathEdge], usize),
    {
        let left = self.edges.len() - self.sorted;
        let wanted = wanted.min(left);
        if left > 1 {
            sort(self.source, &mut self.edges.to_mut()[self.sorted..], wanted);
        }
        self.sorted += wanted;
    }

    fn target(&self) -> Option<ObjectId> {
        self.edges.get(self.chosen).map(|edge| edge.target)
    }
}

impl<F> Iterator for Walks<'_, F>
where
    F: FnMut(Option<ObjectId>, &mut [PathEdge], usize),
{
    type Item = Vec<PathEdge>;

    fn next(&mut self) -> Option<Vec<PathEdge>> {
        if self.finished {
            return None;
        }
        let path = self
            .steps
            .iter()
            .filter_map(|step| step.edges.get(step.chosen).copied());
        let path = path.collect();
        self.turn();
        Some(path)
    }
}
