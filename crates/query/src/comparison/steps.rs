use super::matching::Sides;
use exuvia_snapshot::{NameId, ObjectId, Relation};
use std::collections::HashMap;

/// Which steps of the older heap are those of the newer one.
#[derive(Debug)]
pub(super) struct Steps {
    /// By name of the newer snapshot: the same name of the older one.
    names: Vec<Option<NameId>>,
}

/// How alike two references of one holder are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// Different steps.
    None,
    /// Both are items of a container whose items move when others come and go.
    Item,
    /// The same step: attribute, key, variable, place in a tuple.
    Same,
}

impl Steps {
    pub(super) fn of(sides: &Sides<'_>) -> Self {
        let old: HashMap<&str, NameId> = (0..)
            .map(NameId)
            .zip(&sides.old.snapshot().names)
            .map(|(id, name)| (name.as_str(), id))
            .collect();
        let names = sides.new.snapshot().names.iter();
        Self {
            names: names.map(|name| old.get(name.as_str()).copied()).collect(),
        }
    }

    /// How alike a step of the newer heap is to one of the older heap. `pair` tells the older
    /// object that may be the same as a newer one.
    pub(super) fn likeness(
        &self,
        new: Relation,
        old: Relation,
        is_tuple: bool,
        pair: impl Fn(ObjectId) -> Option<ObjectId>,
    ) -> Likeness {
        use Relation as R;
        let name = |new: NameId, old: NameId| self.names.get(new.index()) == Some(&Some(old));
        let same = match (new, old) {
            (R::Attribute(new), R::Attribute(old)) | (R::Interior(new), R::Interior(old)) => {
                name(new, old)
            }
            (R::InlineAttribute(new), R::InlineAttribute(old))
            | (R::Value(new), R::Value(old))
            | (R::Local(new), R::Local(old))
            | (R::Cell(new), R::Cell(old))
            | (R::SuspendedLocal(new), R::SuspendedLocal(old)) => pair(new) == Some(old),
            (R::Index(new), R::Index(old)) if is_tuple => new == old,
            (R::Index(_), R::Index(_))
            | (R::Key(_), R::Key(_))
            | (R::Member(_), R::Member(_))
            | (R::Stack(_), R::Stack(_))
            | (R::SuspendedStack(_), R::SuspendedStack(_)) => return Likeness::Item,
            (new, old) => new == old,
        };
        match same {
            true => Likeness::Same,
            false => Likeness::None,
        }
    }
}
