use super::depth_first::DepthFirst;
use crate::{BitSet, Follow, follow::row};
use exuvia_snapshot::{ObjectId, References};

/// For each vertex of a depth-first search the vertices that refer to it, as far as they can
/// matter for its dominator: neither the one from which the search came, nor the vertex
/// itself, and none for seeds, which the root dominates.
///
/// That leaves out most references: half of them are the only one to their object, and many
/// of the others lead to types, `None` and small numbers.
pub(super) struct Predecessors {
    /// By number: where those of a vertex begin; one more than vertices.
    starts: Vec<u32>,
    vertices: Vec<u32>,
}

impl Predecessors {
    pub(super) fn of(
        references: &References,
        search: &DepthFirst,
        seeds: &BitSet,
        follow: Follow,
    ) -> Self {
        let mut starts = vec![0u32; search.len() + 1];
        for_each(references, search, seeds, follow, |_, target| {
            starts[target as usize] += 1;
        });
        // Each begins where it ends, and moves to its beginning while it is filled.
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let mut vertices = vec![0; end as usize];
        for_each(references, search, seeds, follow, |source, target| {
            let place = &mut starts[target as usize];
            *place -= 1;
            vertices[*place as usize] = source;
        });
        Self { starts, vertices }
    }

    #[inline]
    pub(super) fn of_vertex(&self, vertex: u32) -> &[u32] {
        let vertex = vertex as usize;
        &self.vertices[self.starts[vertex] as usize..self.starts[vertex + 1] as usize]
    }
}

/// Calls `each` with source and target of every reference that can matter.
fn for_each(
    references: &References,
    search: &DepthFirst,
    seeds: &BitSet,
    follow: Follow,
    mut each: impl FnMut(u32, u32),
) {
    let (starts, targets, ..) = references.columns();
    for (object, &source) in (0..).map(ObjectId).zip(&search.number) {
        if source == 0 {
            continue;
        }
        for place in row(starts, object) {
            let object = targets[place];
            let Some(&target) = search.number.get(object.index()) else {
                continue;
            };
            if target != source
                && search.parent[target as usize] != source
                && follow.takes(references, place)
                && !seeds.contains(object)
            {
                each(source, target);
            }
        }
    }
}
