use crate::{Heap, origins::Origin, relation_text::RelationText};
use exuvia_graph::PathEdge;
use exuvia_snapshot::{ObjectId, Reference};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use std::fmt;

/// What every path begins with: heapy's name of the place where all roots are.
pub const ROOT: &str = "hp.Root";

/// A way from the roots to an object.
///
/// It displays as heapy's text:
/// `hp.Root.i0_modules['__main__'].__dict__['cache'][3].payload`, and serialises as an object
/// with `text` and `steps`. Text and steps are made when they are asked for: a path along a
/// linked list has millions of steps.
#[derive(Debug, Clone)]
pub struct Path<'a> {
    heap: &'a Heap,
    origin: &'a Origin,
    /// The places of the references, from the origin's target on.
    edges: Vec<PathEdge>,
}

/// A step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The step alone: `['cache']`, `.payload`, `list(%s)[3]` with `%s` for the path so far.
    pub text: String,
    /// Whether the reference is weak.
    pub weak: bool,
    /// Where the object lies to which the step leads.
    pub address: u64,
    /// The kind of that object.
    pub kind: String,
}

impl<'a> Path<'a> {
    /// A path from its edges, of which the first chooses an origin.
    pub(crate) fn new(
        heap: &'a Heap,
        origins: &'a [Origin],
        mut edges: Vec<PathEdge>,
    ) -> Option<Self> {
        let first = edges.first()?.place as usize;
        let origin = origins.get(first)?;
        edges.remove(0);
        Some(Self {
            heap,
            origin,
            edges,
        })
    }

    /// The object to which the path leads.
    pub fn target(&self) -> ObjectId {
        self.edges
            .last()
            .map_or(self.origin.target, |edge| edge.target)
    }

    /// The steps, from the root on.
    pub fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        let first = match self.origin.is_root {
            true => format!(".{}", self.origin.name),
            false => self.origin.name.clone(),
        };
        let first = self.step(first, false, self.origin.target);
        let rest = self.references().map(|(source, reference)| {
            let text = RelationText::of(self.heap, source, reference.relation);
            self.step(text.to_string(), reference.weak, reference.target)
        });
        std::iter::once(first).chain(rest)
    }

    fn step(&self, text: String, weak: bool, target: ObjectId) -> Step {
        let snapshot = self.heap.snapshot();
        Step {
            text,
            weak,
            address: snapshot.objects.address[target.index()],
            kind: snapshot.kind(target).name.clone(),
        }
    }

    /// The references of the path, each with the object that holds it.
    fn references(&self) -> impl Iterator<Item = (ObjectId, Reference)> + '_ {
        let sources =
            std::iter::once(self.origin.target).chain(self.edges.iter().map(|edge| edge.target));
        let references = &self.heap.snapshot().references;
        sources
            .zip(&self.edges)
            .map(|(source, edge)| (source, references.get(edge.place as usize)))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What encloses the path is written first, so that a long path takes linear time.
        for (_, reference) in self.references() {
            f.write_str(RelationText::before(reference.relation))?;
        }
        f.write_str(&self.origin.text())?;
        self.references().try_for_each(|(source, reference)| {
            f.write_str(&RelationText::of(self.heap, source, reference.relation).behind)
        })
    }
}

impl Serialize for Path<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut path = serializer.serialize_struct("Path", 2)?;
        path.serialize_field("text", &self.to_string())?;
        path.serialize_field("steps", &self.steps().collect::<Vec<_>>())?;
        path.end()
    }
}
