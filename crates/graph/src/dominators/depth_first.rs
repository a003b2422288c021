use crate::{Follow, follow::row};
use exuvia_snapshot::{ObjectId, References};

/// A depth-first spanning tree of what some seeds reach. Vertices are numbered from 1 in the
/// order in which the search meets them; 0 is a virtual root that refers to all seeds.
pub(super) struct DepthFirst {
    /// By object: its number, 0 for one that was not reached.
    pub(super) number: Vec<u32>,
    /// By number: the object; of the virtual root nothing that means anything.
    pub(super) object: Vec<ObjectId>,
    /// By number: the number of the vertex from which the search came. That of the virtual
    /// root is its own.
    pub(super) parent: Vec<u32>,
}

impl DepthFirst {
    pub(super) fn search(
        references: &References,
        seeds: impl IntoIterator<Item = ObjectId>,
        follow: Follow,
    ) -> Self {
        let mut search = Self {
            number: vec![0; references.objects()],
            object: vec![ObjectId(0)],
            parent: vec![0],
        };
        let (starts, targets, ..) = references.columns();
        // By number: the reference that is looked at next. A vertex and its ancestors in
        // `parent` are the stack of the search.
        let mut next = vec![0u32];
        for seed in seeds {
            let mut current = search.visit(seed, 0, starts, &mut next);
            while let Some(vertex) = current.filter(|&vertex| vertex != 0) {
                let end = row(starts, search.object[vertex as usize]).end;
                let mut place = next[vertex as usize] as usize;
                let mut child = None;
                while place < end && child.is_none() {
                    if follow.takes(references, place) {
                        child = search.visit(targets[place], vertex, starts, &mut next);
                    }
                    place += 1;
                }
                next[vertex as usize] = place as u32;
                current = child.or(Some(search.parent[vertex as usize]));
            }
        }
        search
    }

    /// Numbers an object that is new; nothing for one that is known or has no row.
    #[inline]
    fn visit(
        &mut self,
        object: ObjectId,
        parent: u32,
        starts: &[u32],
        next: &mut Vec<u32>,
    ) -> Option<u32> {
        let number = self.number.get_mut(object.index())?;
        if *number != 0 {
            return None;
        }
        // There is one number more than objects, of which there are fewer than 2^32.
        let vertex = self.object.len() as u32;
        *number = vertex;
        self.object.push(object);
        self.parent.push(parent);
        next.push(row(starts, object).start as u32);
        Some(vertex)
    }

    /// How many vertices there are, the virtual root included.
    pub(super) fn len(&self) -> usize {
        self.object.len()
    }
}
