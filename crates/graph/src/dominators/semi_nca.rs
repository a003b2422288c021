use super::predecessors::Predecessors;

/// The immediate dominators of the vertices of a depth-first search, by number, from the
/// vertices from which the search came. The dominator of a vertex has a smaller number.
///
/// This is semi-NCA (Georgiadis, Tarjan, Werneck: "Finding Dominators in Practice", 2006):
/// semidominators as Lengauer and Tarjan compute them, with simple path compression; the
/// dominator of a vertex is then the nearest common ancestor of its parent and its
/// semidominator in the part of the dominator tree that is known by then.
pub(super) fn immediate_dominators(
    parent: Vec<u32>,
    predecessors: &Predecessors,
    is_seed: impl Fn(u32) -> bool,
) -> Vec<u32> {
    let semidominators = semidominators(&parent, predecessors, is_seed);
    let mut dominators = parent;
    for vertex in 1..dominators.len() {
        let semidominator = semidominators[vertex];
        let mut dominator = dominators[vertex];
        while dominator > semidominator {
            dominator = dominators[dominator as usize];
        }
        dominators[vertex] = dominator;
    }
    dominators
}

fn semidominators(
    parent: &[u32],
    predecessors: &Predecessors,
    is_seed: impl Fn(u32) -> bool,
) -> Vec<u32> {
    let mut semidominators = vec![0; parent.len()];
    let mut forest = Forest {
        ancestor: parent.to_vec(),
        label: (0..parent.len() as u32).collect(),
        path: Vec::new(),
    };
    for vertex in (1..parent.len() as u32).rev() {
        let semidominator = if is_seed(vertex) {
            0
        } else {
            let candidates = predecessors.of_vertex(vertex).iter();
            let candidates = candidates.map(|&source| forest.evaluate(source, vertex));
            candidates.fold(parent[vertex as usize], u32::min)
        };
        semidominators[vertex as usize] = semidominator;
        forest.label[vertex as usize] = semidominator;
    }
    semidominators
}

/// The vertices that were worked on, linked to their parents.
struct Forest {
    /// By number: some ancestor in the tree of the search, from which the way on is known.
    ancestor: Vec<u32>,
    /// By number: the smallest semidominator on the way to `ancestor`, that one excluded; of a
    /// vertex that is not linked yet, itself.
    label: Vec<u32>,
    path: Vec<u32>,
}

impl Forest {
    /// The smallest semidominator from a vertex up to those that are not linked: the numbers
    /// up to and including `current`.
    #[inline]
    fn evaluate(&mut self, vertex: u32, current: u32) -> u32 {
        if vertex > current && self.ancestor[vertex as usize] > current {
            self.compress(vertex, current);
        }
        self.label[vertex as usize]
    }

    fn compress(&mut self, vertex: u32, current: u32) {
        let mut top = vertex;
        while self.ancestor[top as usize] > current {
            self.path.push(top);
            top = self.ancestor[top as usize];
        }
        // From the top down: what is above a vertex is compressed when its turn comes.
        let mut label = self.label[top as usize];
        let ancestor = self.ancestor[top as usize];
        while let Some(below) = self.path.pop() {
            let own = &mut self.label[below as usize];
            label = label.min(*own);
            *own = label;
            self.ancestor[below as usize] = ancestor;
        }
    }
}
