use crate::{
    Heap, ObjectSet,
    avoid::AvoidedEdge,
    origins::{GROUPS, Group, Origin},
};
use exuvia_graph::{Avoided, Follow};
use exuvia_snapshot::ObjectId;

/// How paths are searched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathOptions {
    /// Follow weak references as well.
    pub weak: bool,
    /// Where paths begin, instead of at the roots.
    pub from: Option<ObjectSet>,
    /// Objects that no path goes through, nor leads to.
    pub avoid: Vec<ObjectId>,
    /// References that no path goes along.
    pub avoid_edges: Vec<AvoidedEdge>,
}

impl PathOptions {
    pub(crate) fn follow(&self) -> Follow {
        match self.weak {
            true => Follow::All,
            false => Follow::Strong,
        }
    }

    pub(crate) fn avoided(&self) -> Avoided {
        let places = self.avoid_edges.iter().flat_map(|edge| match edge {
            AvoidedEdge::Places(places) => places.as_slice(),
            AvoidedEdge::Origin(_) => &[],
        });
        Avoided::new(self.avoid.clone(), places.copied().collect())
    }

    /// The groups of origins where paths begin, each with how many steps farther from the
    /// root it lies than the first.
    pub(crate) fn beginnings(&self) -> Vec<(Beginning, usize)> {
        match self.from {
            Some(_) => vec![(Beginning::Given, 0)],
            None => GROUPS
                .iter()
                .map(|&(group, farther)| (Beginning::Roots(group), farther))
                .collect(),
        }
    }

    /// The origins of a group.
    pub(crate) fn origins(&self, heap: &Heap, beginning: Beginning) -> Vec<Origin> {
        let mut origins = match beginning {
            Beginning::Roots(group) => group.origins(heap),
            Beginning::Given => self.sources(heap),
        };
        origins.retain(|origin| !self.avoids(origin));
        origins
    }

    fn avoids(&self, origin: &Origin) -> bool {
        self.avoid_edges
            .iter()
            .any(|edge| matches!(edge, AvoidedEdge::Origin(name) if *name == origin.name))
    }

    /// Origins that stand for the objects at which paths shall begin. heapy calls a single one
    /// `Src`, and several by what they are.
    fn sources(&self, heap: &Heap) -> Vec<Origin> {
        let snapshot = heap.snapshot();
        let ids = self.from.as_ref().map_or(&[][..], ObjectSet::ids);
        let name = |id: ObjectId| match ids {
            [_] => "Src".to_owned(),
            _ => {
                let address = snapshot.objects.address[id.index()];
                format!("<1 {}: {address:#x}>", snapshot.kind(id).name)
            }
        };
        ids.iter()
            .map(|&id| Origin {
                name: name(id),
                target: id,
                is_root: false,
            })
            .collect()
    }
}

/// Where paths begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// At the roots of a group.
    Roots(Group),
    /// At the objects of [`PathOptions::from`].
    Given,
}
