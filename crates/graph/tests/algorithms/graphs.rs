//! Small random graphs, and graphs of a given form.

use exuvia_snapshot::{ObjectId, Reference, References, Relation};
use proptest::prelude::*;

/// A multigraph as a list of edges, with some of its vertices.
#[derive(Debug, Clone)]
pub(crate) struct Graph {
    pub(crate) objects: usize,
    /// Source, target, and whether the edge is weak.
    pub(crate) edges: Vec<(u32, u32, bool)>,
    pub(crate) seeds: Vec<ObjectId>,
    pub(crate) targets: Vec<ObjectId>,
}

/// Up to 12 vertices with up to 40 edges: parallel edges, loops and weak ones among them.
pub(crate) fn graphs() -> impl Strategy<Value = Graph> {
    (1usize..12).prop_flat_map(|objects| {
        let vertex = 0..objects as u32;
        let edge = (vertex.clone(), vertex.clone(), prop::bool::weighted(0.2));
        let some = move |most| prop::collection::vec(vertex.clone().prop_map(ObjectId), 0..most);
        (prop::collection::vec(edge, 0..40), some(4), some(5)).prop_map(
            move |(mut edges, seeds, targets)| {
                edges.sort_by_key(|edge| edge.0);
                Graph {
                    objects,
                    edges,
                    seeds,
                    targets,
                }
            },
        )
    })
}

/// The columns of a graph whose edges are sorted by source.
pub(crate) fn references(
    objects: usize,
    edges: impl IntoIterator<Item = (u32, u32, bool)>,
) -> References {
    let mut references = References::default();
    let mut edges = edges.into_iter().peekable();
    for object in 0..objects as u32 {
        let mut index = 0;
        while let Some((_, target, weak)) = edges.next_if(|edge| edge.0 == object) {
            references.push(Reference {
                target: ObjectId(target),
                relation: Relation::Index(index),
                weak,
            });
            index += 1;
        }
        references.finish_object().unwrap();
    }
    references
}
