//! What is loaded: the modules in `sys.modules`.

use crate::Heap;
use crate::python_text::harmless;
use exuvia_snapshot::Relation;
use serde::Serialize;

/// An entry of `sys.modules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Module {
    /// Its name there.
    pub name: String,
    /// Its `__file__`; none of what is built in.
    pub file: Option<String>,
    /// How many names it has.
    pub names: u64,
    /// The bytes that would be freed if it went.
    pub retained: u64,
    /// Its address.
    pub address: u64,
}

impl Heap {
    /// The modules of the main interpreter, those that keep most first.
    pub fn modules(&self) -> Vec<Module> {
        let roots = &self.snapshot().roots;
        let Some(root) = roots.iter().find(|root| root.name == "i0_modules") else {
            return Vec::new();
        };
        let mut modules: Vec<Module> = self
            .items(root.target)
            .filter_map(|(key, module)| {
                let file = self.attribute(module, "__file__");
                let file = file.and_then(|file| self.text_of(file));
                let mut references = self.snapshot().references.of(module);
                let names = references.find(|one| one.relation == Relation::InstanceDict);
                Some(Module {
                    name: harmless(&self.text_of(key)?).into_owned(),
                    file: file.map(|file| harmless(&file).into_owned()),
                    names: names.map_or(0, |names| self.items(names.target).count() as u64),
                    retained: self.dominators().retained(module),
                    address: self.snapshot().objects.address[module.index()],
                })
            })
            .collect();
        modules.sort_by(|a, b| {
            b.retained
                .cmp(&a.retained)
                .then_with(|| a.name.cmp(&b.name))
        });
        modules
    }
}
