use super::accepted::{IN_AN_ENTRY, IN_ITS_DICT};
use super::extension::Extensions;
use super::groups::Groups;
use super::rule::{Explaining, Found};
use super::untraversed::Untraversed;
use super::{Comparison, Difference, Report, ReportedObject};
use crate::Interpreter;
use exuvia_snapshot::{NameId, ObjectFlags, ObjectId, Reference, Relation, Snapshot};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// How far before an object's address its pre-header may begin: two words of the collector, and
/// up to two for dictionary, values and weak references.
const BEFORE: u64 = 32;

/// The collector's words before an object.
const HEADER: u64 = 16;

/// References from here on are told together.
const ARRAY: i64 = 160;

/// How many bytes of an object are searched for a missing reference.
const SEARCHED: usize = 4096;

/// Compares every object; `memory` is the target's, for telling where a reference lies.
pub(super) fn compare(
    interpreter: &Interpreter,
    snapshot: &Snapshot,
    report: &Report,
    untraversed: &Untraversed,
    memory: &File,
) -> Comparison {
    let mut comparing = Comparing {
        snapshot,
        report,
        memory,
        untraversed,
        extensions: Extensions::new(snapshot),
        explaining: Explaining::new(interpreter.version, interpreter.free_threaded),
        references: 0,
        accepted: BTreeMap::new(),
        groups: Groups::default(),
    };
    comparing.reported_objects();
    comparing.extra_objects();
    comparing.overused_rules();
    let rules = comparing.explaining.used();
    Comparison {
        interpreter: interpreter.to_string(),
        objects: report.objects.len(),
        tracked: report.objects.values().filter(|one| one.tracked).count(),
        types: report.types.len(),
        references: comparing.references,
        arrays: report.arrays,
        missing: Vec::new(),
        rules: rules.chain(comparing.extensions.used()).collect(),
        accepted: comparing.accepted,
        failures: comparing.groups.finish(),
    }
}

struct Comparing<'a> {
    snapshot: &'a Snapshot,
    report: &'a Report,
    memory: &'a File,
    untraversed: &'a Untraversed,
    extensions: Extensions<'a>,
    explaining: Explaining,
    references: usize,
    accepted: BTreeMap<String, usize>,
    groups: Groups,
}

/// The object that is being compared.
struct Subject<'a> {
    address: u64,
    type_name: &'a str,
    tracked: bool,
    is_class: bool,
}

impl<'a> Subject<'a> {
    fn found<'b>(&self, difference: Difference, detail: &'b str) -> Found<'b>
    where
        'a: 'b,
    {
        Found {
            difference,
            address: self.address,
            type_name: self.type_name,
            is_class: self.is_class,
            tracked: self.tracked,
            detail,
            to: None,
        }
    }
}

impl Comparing<'_> {
    fn reported_objects(&mut self) {
        for (&address, object) in &self.report.objects {
            let id = self.snapshot.objects.at(address);
            let subject = Subject {
                address,
                type_name: &self.subject_type(object, id),
                tracked: object.tracked,
                is_class: object.is_class,
            };
            let Some(id) = id else {
                let detail = if object.tracked {
                    "tracked"
                } else {
                    "untracked"
                };
                self.found(&subject, Difference::MissingObject, detail, String::new);
                continue;
            };
            self.facts(&subject, object, id);
            self.references_of(&subject, object, id);
        }
    }

    /// What the type of an object is called; each module has a name of its own.
    fn subject_type(&self, object: &ReportedObject, id: Option<ObjectId>) -> String {
        let name = self.report.type_name(object);
        if name != "builtins.module" {
            return name;
        }
        let module = id.and_then(|id| self.extensions.module_name(id));
        module.unwrap_or(name)
    }

    /// Rules that explain more than they can be true of.
    fn overused_rules(&mut self) {
        for overused in self.explaining.overused() {
            let rule = overused.rule;
            let detail = format!("accepted of too many: {rule}");
            let example = || format!("of {} objects: {}", overused.objects, rule.reason);
            self.groups
                .add(rule.difference, &rule.of.to_string(), &detail, example);
        }
    }

    /// Tracked objects of the snapshot that the interpreter does not know.
    fn extra_objects(&mut self) {
        for id in self.snapshot.objects.ids() {
            let flags = self.snapshot.objects.flags[id.index()];
            let address = self.snapshot.objects.address[id.index()];
            if flags.contains(ObjectFlags::TRACKED) && !self.report.objects.contains_key(&address) {
                let kind = &self.snapshot.kind(id).name;
                let subject = Subject {
                    address,
                    type_name: kind,
                    tracked: true,
                    is_class: false,
                };
                self.found(&subject, Difference::ExtraObject, "", String::new);
            }
        }
    }

    fn facts(&mut self, subject: &Subject<'_>, object: &ReportedObject, id: ObjectId) {
        let objects = &self.snapshot.objects;
        let tracked = objects.flags[id.index()].contains(ObjectFlags::TRACKED);
        match (tracked, object.tracked) {
            (false, true) => self.found(subject, Difference::NotTracked, "", String::new),
            (true, false) => self.found(subject, Difference::WronglyTracked, "", String::new),
            _ => {}
        }
        let found = self.snapshot.type_of(id);
        if found.address != object.type_address {
            let detail = format!("is {}.{}", found.module, found.name);
            self.found(subject, Difference::Type, &detail, String::new);
        }
        let size = objects.size[id.index()];
        if let Some(expected) = object.size
            && expected != size
        {
            let detail = format!(
                "{:+}",
                size.cast_signed().wrapping_sub(expected.cast_signed())
            );
            let example = || format!("{size} instead of {expected}");
            self.found(subject, Difference::Size, &detail, example);
        }
        let kind = &self.snapshot.kind(id).name;
        let expected = &self.report.kinds[object.kind];
        if !expected.contains(kind) {
            let detail = format!("{kind:?} instead of {:?}", expected.join("|"));
            self.found(subject, Difference::Kind, &detail, String::new);
        }
    }

    fn references_of(&mut self, subject: &Subject<'_>, object: &ReportedObject, id: ObjectId) {
        let all = self.snapshot.references.of(id);
        let (weak, strong): (Vec<Reference>, Vec<Reference>) = all
            .filter(|reference| !self.is_synthetic(reference.target))
            .partition(|reference| reference.weak);
        let addresses = &self.snapshot.objects.address;
        let present: HashSet<u64> = strong
            .iter()
            .map(|reference| addresses[reference.target.index()])
            .collect();
        let borrowed: HashMap<u64, Relation> = weak
            .iter()
            .map(|reference| (addresses[reference.target.index()], reference.relation))
            .collect();
        self.references += object.referents.len();
        for &target in &object.referents {
            if !present.contains(&target) {
                let detail = if self.is_behind(&strong, target, |one| self.is_entry(one)) {
                    IN_AN_ENTRY.to_owned()
                } else if self.is_behind(&strong, target, is_dict) {
                    IN_ITS_DICT.to_owned()
                } else if let Some(&relation) = borrowed.get(&target) {
                    format!("{}, borrowed", self.relation(relation))
                } else {
                    self.place_of(subject.address, target, object.size)
                };
                let to = self.type_of(target);
                let found = Found {
                    to: to.as_deref(),
                    ..subject.found(Difference::MissingReference, &detail)
                };
                let example = format!("to {}", self.describe(target));
                self.record(subject, &found, || example);
            }
        }
        if !object.exact {
            return;
        }
        for reference in strong {
            let target = addresses[reference.target.index()];
            if object.referents.binary_search(&target).is_err() {
                self.extra_reference(subject, id, reference);
            }
        }
    }

    fn extra_reference(&mut self, subject: &Subject<'_>, id: ObjectId, reference: Reference) {
        let target = self.snapshot.objects.address[reference.target.index()];
        let detail = self.relation(reference.relation);
        if let Some(reason) = self.untraversed.reason(self.snapshot, id, &detail) {
            *self.accepted.entry(reason.to_owned()).or_default() += 1;
            return;
        }
        let to = self.type_of(target);
        let extensions = &mut self.extensions;
        if let Some(reason) = extensions.reason(id, reference, &detail, to.as_deref()) {
            *self.accepted.entry(reason.to_owned()).or_default() += 1;
            return;
        }
        let found = Found {
            to: to.as_deref(),
            ..subject.found(Difference::ExtraReference, &detail)
        };
        let example = format!("to {}", self.describe(target));
        self.record(subject, &found, || example);
    }

    fn found(
        &mut self,
        subject: &Subject<'_>,
        difference: Difference,
        detail: &str,
        example: impl FnOnce() -> String,
    ) {
        let found = subject.found(difference, detail);
        self.record(subject, &found, example);
    }

    fn record(
        &mut self,
        subject: &Subject<'_>,
        found: &Found<'_>,
        example: impl FnOnce() -> String,
    ) {
        if let Some(reason) = self.explaining.reason(found) {
            *self.accepted.entry(reason.to_owned()).or_default() += 1;
            return;
        }
        let address = subject.address;
        let example = || format!("{address:#x} {}", example());
        self.groups
            .add(found.difference, subject.type_name, found.detail, example);
    }

    /// Whether one of the objects of some sort that an object refers to has another one.
    fn is_behind(
        &self,
        strong: &[Reference],
        target: u64,
        is_of_sort: impl Fn(&Reference) -> bool,
    ) -> bool {
        let mut holders = strong.iter().filter(|&reference| is_of_sort(reference));
        holders.any(|holder| {
            let mut items = self.snapshot.references.of(holder.target);
            items.any(|item| self.snapshot.objects.address[item.target.index()] == target)
        })
    }

    /// Whether it is to an entry of the cache of `functools.lru_cache`.
    fn is_entry(&self, reference: &Reference) -> bool {
        self.snapshot.type_of(reference.target).tp_name == "functools._lru_list_elem"
    }

    fn is_synthetic(&self, id: ObjectId) -> bool {
        self.snapshot.objects.flags[id.index()].contains(ObjectFlags::SYNTHETIC)
    }

    /// Where in an object a reference lies that the snapshot lacks: `at +24`.
    fn place_of(&self, address: u64, target: u64, size: Option<u64>) -> String {
        let mut bytes = vec![0; SEARCHED];
        let start = self.end_before(address).max(address.saturating_sub(BEFORE));
        let before = address - start;
        let length = self.memory.read_at(&mut bytes, start).unwrap_or(0);
        let end = before.saturating_add(size.unwrap_or(0)) as usize;
        let words = bytes[..length.min(end)].as_chunks().0;
        let place = words
            .iter()
            .position(|&word| u64::from_ne_bytes(word) == target);
        let offset = place.map(|index| index as i64 * 8 - before.cast_signed());
        match offset {
            // An array in the object.
            Some(ARRAY..) => format!("at {ARRAY:+} or above"),
            Some(offset) => format!("at {offset:+}"),
            None => "outside the object".to_owned(),
        }
    }

    /// Where the object before an address ends.
    fn end_before(&self, address: u64) -> u64 {
        let objects = &self.snapshot.objects;
        let row = objects.address.partition_point(|&start| start < address);
        let Some(row) = row.checked_sub(1) else {
            return 0;
        };
        // The collector's words lie before an object, and count.
        let is_tracked = objects.flags[row].contains(ObjectFlags::TRACKED);
        let header = if is_tracked { HEADER } else { 0 };
        let end = objects.address[row] + objects.size[row].saturating_sub(header);
        end.min(address).next_multiple_of(8)
    }

    fn describe(&self, address: u64) -> String {
        let known = self.snapshot.objects.at(address);
        let missing = if known.is_none() { " (missing)" } else { "" };
        let type_name = self.type_of(address).unwrap_or_default();
        format!("{type_name} {address:#x}{missing}")
    }

    /// The type of an object, as the interpreter calls it; the snapshot's word for objects
    /// that the interpreter did not report.
    fn type_of(&self, address: u64) -> Option<String> {
        if let Some(object) = self.report.objects.get(&address) {
            return Some(self.report.type_name(object));
        }
        let found = self.snapshot.type_of(self.snapshot.objects.at(address)?);
        Some(format!("{}.{}", found.module, found.name))
    }

    /// The relation without its number or key, so that like ones come together.
    fn relation(&self, relation: Relation) -> String {
        let name = |NameId(id): NameId| &self.snapshot.names[id as usize];
        match relation {
            Relation::Attribute(id) => format!(".{}", name(id)),
            Relation::Interior(id) => format!("->{}", name(id)),
            Relation::InlineAttribute(_) => ".inline".to_owned(),
            Relation::InstanceDict => ".__dict__".to_owned(),
            Relation::Index(_) => "[i]".to_owned(),
            Relation::Value(_) => "[key]".to_owned(),
            Relation::Key(_) => ".keys()[i]".to_owned(),
            Relation::Numbered(_) => "->refs[i]".to_owned(),
            Relation::Word(index) => format!("->word[{index}]"),
            Relation::Local(_) => ".f_locals[name]".to_owned(),
            Relation::Cell(_) => ".f_locals[cell]".to_owned(),
            Relation::SuspendedLocal(_) => ".gi_frame.f_locals[name]".to_owned(),
            Relation::Stack(_) => "->f_valuestack[i]".to_owned(),
            Relation::SuspendedStack(_) => ".gi_frame->f_valuestack[i]".to_owned(),
            Relation::Member(_) => "list(…)[i]".to_owned(),
        }
    }
}

fn is_dict(reference: &Reference) -> bool {
    reference.relation == Relation::InstanceDict
}
