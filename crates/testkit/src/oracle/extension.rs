use super::left_out::{LEFT_OUT, LeftOut};
use exuvia_snapshot::{NameId, ObjectFlags, ObjectId, Reference, Relation, Snapshot, Type};

/// Judges references of objects of extension types that their `tp_traverse` does not visit.
pub(super) struct Extensions<'a> {
    snapshot: &'a Snapshot,
    /// How many references each object is owned by, roots included.
    owners: Vec<u32>,
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
        Self { snapshot, owners }
    }

    /// Why a reference is there that was not visited; none when nothing says so. `detail` is the
    /// relation as groups print it, `to` the type of the object referred to.
    pub(super) fn reason(
        &self,
        object: ObjectId,
        reference: Reference,
        detail: &str,
        to: Option<&str>,
    ) -> Option<&'static str> {
        let is_word = matches!(reference.relation, Relation::Word(_));
        if is_word && !self.is_backed(reference.target) {
            return None;
        }
        let found = LEFT_OUT.iter().find(|left_out| {
            self.is_of(left_out, object)
                && left_out.details.iter().any(|one| matches(one, detail))
                && (left_out.to.is_empty()
                    || to.is_some_and(|to| left_out.to.iter().any(|one| matches(one, to))))
        });
        found.map(|left_out| left_out.reason)
    }

    /// Whether the reference count has room for all references that own an object. That of an
    /// immortal object says nothing.
    fn is_backed(&self, target: ObjectId) -> bool {
        let objects = &self.snapshot.objects;
        objects.flags[target.index()].contains(ObjectFlags::IMMORTAL)
            || self.owners[target.index()] <= objects.refcount[target.index()]
    }

    /// Whether an object is of a type, of one that derives from it, or the module of that name.
    fn is_of(&self, left_out: &LeftOut, object: ObjectId) -> bool {
        let first = self.snapshot.type_of(object);
        if first.tp_name == "module" {
            let module = self.module_name(object);
            return module.is_some_and(|name| left_out.of.contains(&name.as_str()));
        }
        let types = &self.snapshot.types;
        let base = |one: &&Type| types.get(one.base?.index());
        let mut bases = std::iter::successors(Some(first), base).take(types.len());
        bases.any(|one| {
            let name = format!("{}.{}", one.module, one.name);
            left_out.of.iter().any(|of| matches(of, &name))
        })
    }

    /// What a module is called: `module google._upb._message`.
    fn module_name(&self, object: ObjectId) -> Option<String> {
        let mut references = self.snapshot.references.of(object);
        let name = references.find(|reference| match reference.relation {
            Relation::Interior(NameId(id)) => self.snapshot.names[id as usize] == "md_name",
            _ => false,
        })?;
        let value = self.snapshot.values.get(name.target)?;
        Some(format!("module {}", value.text()))
    }
}

/// Whether a name is the one, or fits it where that has a `*`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("_cython_*.function", "_cython_3_2.function"));
        assert!(!matches("_cython_*.function", "_cython_3_2.method"));
        assert!(!matches("abc*cde", "abcde"));
        assert!(matches(".base", ".base"));
        assert!(!matches(".base", ".bases"));
    }
}
