use crate::{PathEdge, ShortestPathGraph};
use exuvia_snapshot::ObjectId;
use std::borrow::Cow;

/// The paths of a [`ShortestPathGraph`] one after the other, each as its edges.
///
/// Like an odometer: the last step turns fastest. The memory needed is that of one path
/// and the edges beside it.
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
    /// Sorted; a single edge needs neither sorting nor memory.
    edges: Cow<'g, [PathEdge]>,
    chosen: usize,
}

impl<'g, F> Walks<'g, F>
where
    F: FnMut(Option<ObjectId>, &mut [PathEdge]),
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
                if step.edges.len() > 1 {
                    (self.sort)(source, step.edges.to_mut());
                }
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
                return self.begin(index + 1);
            }
        }
        self.finished = true;
    }
}

impl Choice<'_> {
    fn target(&self) -> Option<ObjectId> {
        self.edges.get(self.chosen).map(|edge| edge.target)
    }
}

impl<F> Iterator for Walks<'_, F>
where
    F: FnMut(Option<ObjectId>, &mut [PathEdge]),
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
