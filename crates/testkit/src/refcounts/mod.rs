//! Reference counts against the references and roots that a snapshot has.
//!
//! In a process at rest every object's reference count is the number of references that
//! something owns. Where the walk finds all of them, the two agree; where it finds fewer,
//! something that it does not know holds the object; where it finds more, it takes a pointer
//! that only borrows for one that owns. Only objects whose count the interpreter does not
//! maintain, the immortal ones, say nothing.
//!
//! Static variables of C code, and entries of the evaluation stacks of running frames, may hold
//! an object or be stale: they explain what nothing else does. What is left is looked for in the
//! target's memory: C code holds objects on its stack, which needs no words, and in memory of
//! its own, which stands with its reason in `accepted.rs`.

mod accepted;
mod found;
mod groups;
mod places;

pub use groups::{Group, Side};

use crate::{Exuvia, Interpreter, Target};
use accepted::Explaining;
use anyhow::{Result, ensure};
use exuvia_snapshot::{ObjectFlags, ObjectId, Relation, Snapshot};
use found::{Found, INTERNED, is_interned};
use groups::Groups;
use places::Places;
use std::collections::BTreeMap;
use std::fmt;

/// Programs at rest: `plain` is an interpreter that did nothing yet; `oracle` has one of nearly
/// everything.
pub const PROGRAMS: [&str; 2] = ["plain", "oracle"];

/// How the counts of a snapshot compare with what it has found.
#[derive(Debug)]
pub struct Reconciliation {
    /// The interpreter, described.
    pub interpreter: String,
    /// Objects whose count the interpreter maintains.
    pub objects: usize,
    /// Of those, how many are explained to the last reference.
    pub explained: usize,
    /// Why the counts of others differ, by type, and how many there are.
    pub accepted: BTreeMap<String, usize>,
    /// Those that nothing explains, by type, the most frequent first.
    pub failures: Vec<Group>,
}

impl Reconciliation {
    /// The part of the objects that is explained to the last reference, from 0 to 1.
    pub fn ratio(&self) -> f64 {
        self.explained as f64 / self.objects.max(1) as f64
    }
}

/// Starts a program of `programs/`, dumps it while it waits, and reconciles its counts.
pub fn run(interpreter: &Interpreter, exuvia: &Exuvia, program: &str) -> Result<Reconciliation> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("refcounts.exuvia");
    let target = Target::start(interpreter, program)?;
    exuvia.dump(target.pid(), &path)?;
    let snapshot = exuvia_snapshot::open(&path)?;
    for diagnostic in &snapshot.metadata.diagnostics {
        let of_mutation = [
            "torn-container",
            "list-being-sorted",
            "unfinished-object",
            "collector-running",
        ];
        ensure!(
            !of_mutation.contains(&diagnostic.code.as_str()),
            "{interpreter}, {program}: nothing changes in a process at rest, but {diagnostic:?}"
        );
    }
    let minor = interpreter.version.1;
    let differing = differing(&snapshot, minor);
    let addresses = differing.iter().map(|one| one.address).collect();
    let places = Places::of(target.pid(), &snapshot, addresses)?;
    let mut result = Reconciliation {
        interpreter: interpreter.to_string(),
        objects: counted(&snapshot).count(),
        explained: 0,
        accepted: BTreeMap::new(),
        failures: Vec::new(),
    };
    result.explained = result.objects - differing.len();
    let mut groups = Groups::default();
    let mut explaining = Explaining::new(&places, minor);
    for mut one in differing {
        if let Some(place) = places.at(one.address) {
            one.places.clone_from(&place.memory);
        }
        match explaining.reason(&one) {
            Some(reason) => {
                let text = format!("{} {}: {reason}", one.side(), one.type_name);
                *result.accepted.entry(text).or_default() += 1;
            }
            None => groups.add(&one),
        }
    }
    result.failures = groups.finish();
    Ok(result)
}

/// An object whose count is not the number of references found.
#[derive(Debug, Clone)]
struct Differing {
    address: u64,
    type_name: String,
    /// What tells it from others of its type: of a class its module and name, such as
    /// `decimal.Context`; of a module its name; of a function or method its qualified
    /// name; of the copy of a module's dictionary the module's name; of a weak reference that of
    /// what it leads to; its value, for what has one; else empty.
    name: String,
    count: u32,
    found: u32,
    /// Some places in memory that belongs to no object where its address stands.
    places: Vec<String>,
}

impl Differing {
    fn side(&self) -> Side {
        if self.count > self.found {
            Side::Held
        } else {
            Side::Overclaimed
        }
    }

    /// How far the count and what was found are apart.
    fn difference(&self) -> u32 {
        self.count.abs_diff(self.found)
    }
}

impl fmt::Display for Differing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            name,
            count,
            found,
            places,
            ..
        } = self;
        write!(f, "{name} at {address:#x} counts {count}, found {found}")?;
        if !places.is_empty() {
            write!(f, ", stands at {}", places.join(" and "))?;
        }
        Ok(())
    }
}

fn counted(snapshot: &Snapshot) -> impl Iterator<Item = ObjectId> + '_ {
    snapshot.objects.ids().filter(|id| {
        let flags = snapshot.objects.flags[id.index()];
        !flags.contains(ObjectFlags::IMMORTAL) && !flags.contains(ObjectFlags::SYNTHETIC)
    })
}

fn differing(snapshot: &Snapshot, minor: u32) -> Vec<Differing> {
    let found = Found::of(snapshot, minor);
    counted(snapshot)
        .filter_map(|id| {
            let count = snapshot.objects.refcount[id.index()];
            if found.explains(id, count) {
                return None;
            }
            let found_type = snapshot.type_of(id);
            Some(Differing {
                address: snapshot.objects.address[id.index()],
                name: name(snapshot, id),
                type_name: format!("{}.{}", found_type.module, found_type.name),
                count,
                found: found.owned(id),
                places: Vec::new(),
            })
        })
        .collect()
}

/// What tells an object from others of its type.
fn name(snapshot: &Snapshot, id: ObjectId) -> String {
    if let Some(class) = snapshot.types.iter().find(|one| one.object == Some(id)) {
        return match class.module.as_str() {
            // A static type without a dot in its name.
            "builtins" => class.name.clone(),
            module => format!("{module}.{}", class.name),
        };
    }
    let name = match snapshot.type_of(id).tp_name.as_str() {
        "module" => module_name(snapshot, id),
        "tuple" if snapshot.references.of(id).len() == 0 => Some("()".to_owned()),
        "dict" if is_interned(snapshot, id) => Some(INTERNED.to_owned()),
        "dict" => entry(snapshot, id, "__name__"),
        "function" => attribute(snapshot, id, "__qualname__").and_then(|id| text(snapshot, id)),
        "method" => attribute(snapshot, id, "__func__").map(|id| name(snapshot, id)),
        "weakref.ReferenceType" => {
            let mut references = snapshot.references.of(id);
            let weak = references.find(|one| one.weak);
            weak.map(|one| name(snapshot, one.target))
        }
        _ => text(snapshot, id),
    };
    name.unwrap_or_default()
}

/// What the dictionary of a module says; the module may refer to other dictionaries as well.
fn module_name(snapshot: &Snapshot, module: ObjectId) -> Option<String> {
    let referents = snapshot.references.of(module).map(|one| one.target);
    let mut dicts = referents.filter(|&target| snapshot.type_of(target).tp_name == "dict");
    dicts.find_map(|dict| entry(snapshot, dict, "__name__"))
}

/// The text that a dictionary has under a name.
fn entry(snapshot: &Snapshot, dict: ObjectId, name: &str) -> Option<String> {
    let is_named = |relation| match relation {
        Relation::Value(key) => text(snapshot, key).as_deref() == Some(name),
        _ => false,
    };
    let mut entries = snapshot.references.of(dict);
    let found = entries.find(|entry| is_named(entry.relation))?;
    text(snapshot, found.target)
}

/// The object that an attribute is.
fn attribute(snapshot: &Snapshot, object: ObjectId, name: &str) -> Option<ObjectId> {
    let is_named = |relation| match relation {
        Relation::Attribute(id) => snapshot.names[id.index()] == name,
        _ => false,
    };
    let mut references = snapshot.references.of(object);
    let found = references.find(|one| is_named(one.relation))?;
    Some(found.target)
}

fn text(snapshot: &Snapshot, id: ObjectId) -> Option<String> {
    Some(snapshot.values.get(id)?.text().into_owned())
}

impl fmt::Display for Reconciliation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} of {} reference counts explained ({:.4} %)",
            self.interpreter,
            self.explained,
            self.objects,
            100.0 * self.ratio()
        )?;
        for (reason, count) in &self.accepted {
            writeln!(f, "  {count:>8} accepted: {reason}")?;
        }
        for group in &self.failures {
            writeln!(f, "  {group}")?;
        }
        Ok(())
    }
}
