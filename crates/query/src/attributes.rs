//! Attributes of objects by name, wherever an object keeps them.

use crate::Heap;
use exuvia_snapshot::{NameId, ObjectId, Reference, Relation, TypeId};

impl Heap {
    /// What an object has under a name: in a field of its struct, inline, or in its `__dict__`.
    pub(crate) fn attribute(&self, object: ObjectId, name: &str) -> Option<ObjectId> {
        let references = &self.snapshot().references;
        let mut dict = None;
        for reference in references.of(object) {
            match reference.relation {
                Relation::Attribute(id) | Relation::Interior(id) if self.is_name(id, name) => {
                    return Some(reference.target);
                }
                Relation::InlineAttribute(key) if self.is_text(key, name) => {
                    return Some(reference.target);
                }
                Relation::InstanceDict => dict = Some(reference.target),
                _ => {}
            }
        }
        self.item(dict?, name)
    }

    /// What a dictionary has under a text.
    pub(crate) fn item(&self, dict: ObjectId, key: &str) -> Option<ObjectId> {
        let found = self.items(dict).find(|&(name, _)| self.is_text(name, key));
        found.map(|(_, value)| value)
    }

    /// The keys and values of a dictionary.
    pub(crate) fn items(&self, dict: ObjectId) -> impl Iterator<Item = (ObjectId, ObjectId)> + '_ {
        let entry = |reference: Reference| match reference.relation {
            Relation::Value(key) => Some((key, reference.target)),
            _ => None,
        };
        self.snapshot().references.of(dict).filter_map(entry)
    }

    /// The module of a name in `sys.modules` of an interpreter.
    pub(crate) fn module(&self, interpreter: u32, name: &str) -> Option<ObjectId> {
        let wanted = format!("i{interpreter}_modules");
        let roots = &self.snapshot().roots;
        let modules = roots.iter().find(|root| root.name == wanted)?.target;
        self.item(modules, name)
    }

    /// The text of a `str`, or what `repr` prints of a number, as far as it was kept.
    pub(crate) fn text_of(&self, object: ObjectId) -> Option<String> {
        Some(self.snapshot().values.get(object)?.text().into_owned())
    }

    /// Whether an object is of a type of this name, or of one that derives from it; the name is
    /// that of `tp_name`, with the module in front where it is not `builtins`.
    pub(crate) fn is_instance(&self, object: ObjectId, qualified: &str) -> bool {
        self.derives(self.snapshot().kind(object).type_id, qualified)
    }

    /// The same of the instances of a type.
    pub(crate) fn derives(&self, of: TypeId, qualified: &str) -> bool {
        let snapshot = self.snapshot();
        let mut next = Some(of);
        // `check` has made sure that no type inherits from itself.
        while let Some(of) = next.and_then(|id| snapshot.types.get(id.index())) {
            if crate::type_names::qualified(of) == qualified {
                return true;
            }
            next = of.base;
        }
        false
    }

    fn is_text(&self, object: ObjectId, text: &str) -> bool {
        let value = self.snapshot().values.get(object);
        value.is_some_and(|value| value.bytes == text.as_bytes())
    }

    fn is_name(&self, id: NameId, name: &str) -> bool {
        let names = &self.snapshot().names;
        names.get(id.index()).is_some_and(|of| of == name)
    }
}
