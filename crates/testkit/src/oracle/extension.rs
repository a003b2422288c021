use super::left_out::{LEFT_OUT, LeftOut};
use exuvia_snapshot::{NameId, ObjectFlags, ObjectId, Reference, Relation, Snapshot, Type};
use std::collections::BTreeSet;

/// Judges references of objects of extension types that their `tp_traverse` does not visit.
pub(super) struct Extensions<'a> {
    snapshot: &'a Snapshot,
    /// How many references each object is owned by, roots included.
    owners: Vec<u32>,
    /// The parts of the list that explain anything, in words.
    used: BTreeSet<String>,
}

impl<'a> Extensions<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let mut owners = vec![0u32; snapshot.objects.len()];
        for (place, target) in snapshot.references.targets().iter().enumerate() {
            if !snapshot.references.is_weak(place) {
                owners[target.index()] += 1;
            }
        }
        for root in snapshot.roots.iter().filter(|root| root.owned) {
            owners[root.target.index()] += 1;
        }
        Self {
            snapshot,
            owners,
            used: BTreeSet::new(),
        }
    }

    /// Why a reference is there that was not visited; none when nothing says so. `detail` is the
    /// relation as groups print it, `to` the type of the object referred to.
    pub(super) fn reason(
        &mut self,
        object: ObjectId,
        reference: Reference,
        detail: &str,
        to: Option<&str>,
    ) -> Option<&'static str> {
        let is_word = matches!(reference.relation, Relation::Word(_));
        if is_word && !self.is_backed(reference.target) {
            return None;
        }
        for left_out in LEFT_OUT {
            let Some(of) = self.type_in(left_out, object) else {
                continue;
            };
            let detail = left_out.details.iter().find(|one| matches(one, detail));
            let to = to.and_then(|to| left_out.to.iter().find(|one| matches(one, to)));
            if let (Some(detail), Some(to)) = (detail, to) {
                self.used.extend([
                    left_out.part("type", of),
                    left_out.part("relation", detail),
                    left_out.part("to", to),
                ]);
                return Some(left_out.reason);
            }
        }
        None
    }

    /// The parts of the list that explain anything, in words.
    pub(super) fn used(self) -> impl Iterator<Item = String> {
        self.used.into_iter()
    }

    /// Whether the reference count has room for all references that own an object. That of an
    /// immortal object says nothing.
    fn is_backed(&self, target: ObjectId) -> bool {
        let objects = &self.snapshot.objects;
        objects.flags[target.index()].contains(ObjectFlags::IMMORTAL)
            || self.owners[target.index()] <= objects.refcount[target.index()]
    }

    /// The type, as the list has it, that an object is of, or a type that it derives from; or the
    /// module of that name.
    fn type_in(&self, left_out: &LeftOut, object: ObjectId) -> Option<&'static str> {
        let first = self.snapshot.type_of(object);
        let named = |name: &str| left_out.of.iter().copied().find(|of| matches(of, name));
        if first.tp_name == "module" {
            return named(&self.module_name(object)?);
        }
        let types = &self.snapshot.types;
        let base = |one: &&Type| types.get(one.base?.index());
        let mut bases = std::iter::successors(Some(first), base).take(types.len());
        bases.find_map(|one| named(&format!("{}.{}", one.module, one.name)))
    }

    /// What a module is called: `module google._upb._message`.
    pub(super) fn module_name(&self, object: ObjectId) -> Option<String> {
        let mut references = self.snapshot.references.of(object);
        let name = references.find(|reference| match reference.relation {
            Relation::Interior(NameId(id)) => self.snapshot.names[id as usize] == "md_name",
            _ => false,
        })?;
        let value = self.snapshot.values.get(name.target)?;
        Some(format!("module {}", value.text()))
    }
}

/// Whether a name is the one, or fits it where that has a `*`; it has one at most.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::{LEFT_OUT, matches};

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("_cython_*.function", "_cython_3_2.function"));
        assert!(!matches("_cython_*.function", "_cython_3_2.method"));
        assert!(!matches("abc*cde", "abcde"));
        assert!(matches(".base", ".base"));
        assert!(!matches(".base", ".bases"));
    }

    #[test]
    fn no_pattern_has_two_stars() {
        for left_out in LEFT_OUT {
            for pattern in [left_out.of, left_out.details, left_out.to].concat() {
                assert!(pattern.matches('*').count() <= 1, "{pattern}");
            }
            assert!(!left_out.to.is_empty(), "{}", left_out.reason);
        }
    }
}
