use crate::{KindShape, ObjectId, Reference, Relation, Snapshot};

/// Two tables of a snapshot that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{table}, row {row}: {what}")]
pub struct Inconsistency {
    /// The table in which it was seen.
    pub table: &'static str,
    /// The row of it, from 0.
    pub row: usize,
    /// What is wrong there.
    pub what: String,
}

/// Checks that a snapshot does not contradict itself: columns of a table are of one length,
/// every number that refers to a row refers to one that is there, what has to be sorted is
/// sorted, sums of sizes fit into 64 bits, and no type inherits from itself.
///
/// Both [`write()`](crate::write()) and [`open`](crate::open) insist on it, so that what was
/// written can be opened, and code that reads a snapshot may index without asking again.
///
/// # Errors
/// The first contradiction found.
pub fn check(snapshot: &Snapshot) -> Result<(), Inconsistency> {
    objects(snapshot)?;
    references(snapshot)?;
    types(snapshot)?;
    kinds(snapshot)?;
    process(snapshot)?;
    values(snapshot)?;
    digests(snapshot)
}

fn objects(snapshot: &Snapshot) -> Result<(), Inconsistency> {
    let table = Table("objects");
    let objects = &snapshot.objects;
    let count = objects.len();
    let lengths = [
        objects.kind.len(),
        objects.size.len(),
        objects.allocated.len(),
        objects.refcount.len(),
        objects.flags.len(),
    ];
    if lengths.iter().any(|&length| length != count) {
        return table.fails(0, format!("columns of {count} and {lengths:?} rows"));
    }
    // There is no such column for a single interpreter.
    let length = objects.interpreter.len();
    if length != 0 && length != count {
        return table.fails(0, format!("interpreters of {length} of {count} rows"));
    }
    if u32::try_from(count).is_err() {
        return table.fails(count, "more rows than 32 bits can number");
    }
    if let Some(row) = objects
        .address
        .windows(2)
        .position(|pair| pair[0] >= pair[1])
    {
        return table.fails(row + 1, "its address is not above the one before");
    }
    let kinds = snapshot.kinds.len();
    if let Some(row) = objects.kind.iter().position(|kind| kind.index() >= kinds) {
        return table.fails(row, format!("kind {} of {kinds}", objects.kind[row].0));
    }
    for sizes in [&objects.size, &objects.allocated] {
        sum(table, sizes.iter().copied())?;
    }
    Ok(())
}

fn references(snapshot: &Snapshot) -> Result<(), Inconsistency> {
    let table = Table("references");
    let references = &snapshot.references;
    let (objects, names) = (snapshot.objects.len(), snapshot.names.len());
    if references.objects() != objects {
        let what = format!("sources of {} objects, not {objects}", references.objects());
        return table.fails(0, what);
    }
    for row in 0..references.len() {
        let Reference {
            target, relation, ..
        } = references.get(row);
        if target.index() >= objects {
            return table.fails(row, format!("target {} of {objects} objects", target.0));
        }
        match relation {
            Relation::Attribute(name) | Relation::Interior(name) => {
                if name.index() >= names {
                    return table.fails(row, format!("name {} of {names}", name.0));
                }
            }
            Relation::InlineAttribute(object)
            | Relation::Value(object)
            | Relation::Local(object)
            | Relation::Cell(object)
            | Relation::SuspendedLocal(object) => {
                if object.index() >= objects {
                    return table.fails(row, format!("operand {} of {objects} objects", object.0));
                }
            }
            Relation::InstanceDict
            | Relation::Index(_)
            | Relation::Key(_)
            | Relation::Numbered(_)
            | Relation::Word(_)
            | Relation::Stack(_)
            | Relation::SuspendedStack(_)
            | Relation::Member(_) => {}
        }
    }
    Ok(())
}

fn types(snapshot: &Snapshot) -> Result<(), Inconsistency> {
    let table = Table("types");
    let types = &snapshot.types;
    for (row, of) in types.iter().enumerate() {
        if let Some(object) = of.object {
            object_exists(snapshot, table, row, object)?;
        }
        if let Some(base) = of.base
            && base.index() >= types.len()
        {
            return table.fails(row, format!("base {} of {}", base.0, types.len()));
        }
    }
    // Every type is followed to its last base, or to one that was followed before.
    const UNSEEN: u32 = 0;
    let mut seen = vec![UNSEEN; types.len()];
    for first in 0..types.len() {
        let round = first as u32 + 1;
        let mut row = first;
        while seen[row] == UNSEEN {
            seen[row] = round;
            match types[row].base {
                Some(base) if seen[base.index()] == round => {
                    return table.fails(row, "the type inherits from itself");
                }
                Some(base) => row = base.index(),
                None => break,
            }
        }
    }
    Ok(())
}

fn kinds(snapshot: &Snapshot) -> Result<(), Inconsistency> {
    let table = Table("kinds");
    let types = snapshot.types.len();
    for (row, kind) in snapshot.kinds.iter().enumerate() {
        let owner = match kind.shape {
            KindShape::DictOf(owner) => owner,
            KindShape::Plain | KindShape::DictWithoutOwner => kind.type_id,
        };
        for id in [kind.type_id, owner] {
            if id.index() >= types {
                return table.fails(row, format!("type {} of {types}", id.0));
            }
        }
    }
    Ok(())
}

fn process(snapshot: &Snapshot) -> Result<(), Inconsistency> {
    for (row, root) in snapshot.roots.iter().enumerate() {
        object_exists(snapshot, Table("roots"), row, root.target)?;
    }
    let table = Table("frames");
    for (row, frame) in snapshot.frames.iter().enumerate() {
        let threads = snapshot.threads.len();
        if frame.thread as usize >= threads {
            return table.fails(row, format!("thread {} of {threads}", frame.thread));
        }
        object_exists(snapshot, table, row, frame.object)?;
        if let Some(code) = frame.code {
            object_exists(snapshot, table, row, code)?;
        }
    }
    let table = Table("suspended");
    let mut least = 0;
    for (row, frame) in snapshot.suspended.iter().enumerate() {
        object_exists(snapshot, table, row, frame.object)?;
        if let Some(code) = frame.code {
            object_exists(snapshot, table, row, code)?;
        }
        if frame.object.0 < least {
            return table.fails(row, "its object is not after the one before");
        }
        least = frame.object.0 + 1;
    }
    let table = Table("mappings");
    let mappings = &snapshot.mappings;
    if let Some(row) = mappings.iter().position(|one| one.start > one.end) {
        return table.fails(row, "it ends before it starts");
    }
    sum(table, mappings.iter().map(|one| one.resident))?;
    sum(table, mappings.iter().map(|one| one.proportional))?;
    sum(table, mappings.iter().map(|one| one.swapped))?;
    sum(table, mappings.iter().map(|one| one.end - one.start))
}

fn values(snapshot: &Snapshot) -> Result<(), Inconsistency> {
    let table = Table("values");
    let mut least = 0;
    for (row, (object, _)) in snapshot.values.iter().enumerate() {
        object_exists(snapshot, table, row, object)?;
        if object.0 < least {
            return table.fails(row, "its object is not after the one before");
        }
        least = object.0 + 1;
    }
    Ok(())
}

fn digests(snapshot: &Snapshot) -> Result<(), Inconsistency> {
    let table = Table("digests");
    let mut least = 0;
    for (row, (object, _)) in snapshot.digests.iter().enumerate() {
        object_exists(snapshot, table, row, object)?;
        if object.0 < least {
            return table.fails(row, "its object is not after the one before");
        }
        least = object.0 + 1;
    }
    Ok(())
}

fn object_exists(
    snapshot: &Snapshot,
    table: Table,
    row: usize,
    object: ObjectId,
) -> Result<(), Inconsistency> {
    let objects = snapshot.objects.len();
    if object.index() < objects {
        Ok(())
    } else {
        table.fails(row, format!("object {} of {objects}", object.0))
    }
}

/// Checks that analysis may add these up.
fn sum(table: Table, sizes: impl Iterator<Item = u64>) -> Result<(), Inconsistency> {
    let mut total = 0u64;
    for (row, size) in sizes.enumerate() {
        match total.checked_add(size) {
            Some(more) => total = more,
            None => return table.fails(row, "the sizes add up to more than 64 bits hold"),
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Table(&'static str);

impl Table {
    fn fails(self, row: usize, what: impl Into<String>) -> Result<(), Inconsistency> {
        Err(Inconsistency {
            table: self.0,
            row,
            what: what.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frame, Kind, KindId, Mapping, NameId, Root, RootCategory, Type, TypeId};
    use crate::{References, SuspendedFrame, Thread};

    /// Two objects of one kind, and one of everything else.
    fn sound() -> Snapshot {
        let mut snapshot = Snapshot::default();
        for address in [16, 32] {
            snapshot.objects.address.push(address);
            snapshot.objects.kind.push(KindId(0));
            snapshot.objects.size.push(16);
            snapshot.objects.allocated.push(16);
            snapshot.objects.refcount.push(1);
            snapshot.objects.flags.push(Default::default());
        }
        snapshot.references = to(ObjectId(1), Relation::InstanceDict);
        snapshot.kinds = vec![Kind {
            name: "object".into(),
            type_id: TypeId(0),
            shape: KindShape::Plain,
        }];
        snapshot.types = vec![Type::default()];
        snapshot.names = vec!["ob_type".into()];
        snapshot.threads = vec![Thread::default()];
        snapshot.frames = vec![Frame::default()];
        snapshot.suspended = vec![SuspendedFrame::default()];
        snapshot.roots = vec![Root {
            name: "i0_modules".into(),
            target: ObjectId(0),
            category: RootCategory::Interpreter,
            owned: true,
        }];
        snapshot
    }

    /// One reference of the first of two objects.
    fn to(target: ObjectId, relation: Relation) -> References {
        let mut references = References::default();
        references.push(Reference {
            target,
            relation,
            weak: false,
        });
        references.finish_object().unwrap();
        references.finish_object().unwrap();
        references
    }

    /// What `check` says after a change of a sound snapshot.
    fn changed(change: impl FnOnce(&mut Snapshot)) -> String {
        let mut snapshot = sound();
        assert_eq!(check(&snapshot), Ok(()));
        change(&mut snapshot);
        check(&snapshot).unwrap_err().to_string()
    }

    #[test]
    fn objects() {
        let said = changed(|s| s.objects.size.truncate(1));
        assert_eq!(
            said,
            "objects, row 0: columns of 2 and [2, 1, 2, 2, 2] rows"
        );
        let said = changed(|s| s.objects.address[1] = 16);
        assert_eq!(
            said,
            "objects, row 1: its address is not above the one before"
        );
        let said = changed(|s| s.objects.kind[1] = KindId(1));
        assert_eq!(said, "objects, row 1: kind 1 of 1");
        let said = changed(|s| s.objects.allocated.fill(u64::MAX));
        assert!(said.starts_with("objects, row 1: the sizes"), "{said}");
    }

    #[test]
    fn references() {
        let said = changed(|s| s.references = References::default());
        assert_eq!(said, "references, row 0: sources of 0 objects, not 2");
        let said = changed(|s| s.references = to(ObjectId(2), Relation::InstanceDict));
        assert_eq!(said, "references, row 0: target 2 of 2 objects");
        let (name, object) = (NameId(1), ObjectId(2));
        for relation in [Relation::Attribute(name), Relation::Interior(name)] {
            let said = changed(|s| s.references = to(ObjectId(0), relation));
            assert_eq!(said, "references, row 0: name 1 of 1");
        }
        for relation in [
            Relation::InlineAttribute(object),
            Relation::Value(object),
            Relation::Local(object),
            Relation::Cell(object),
            Relation::SuspendedLocal(object),
        ] {
            let said = changed(|s| s.references = to(ObjectId(0), relation));
            assert_eq!(said, "references, row 0: operand 2 of 2 objects");
        }
    }

    #[test]
    fn types_and_kinds() {
        let said = changed(|s| s.types[0].object = Some(ObjectId(2)));
        assert_eq!(said, "types, row 0: object 2 of 2");
        let said = changed(|s| s.types[0].base = Some(TypeId(1)));
        assert_eq!(said, "types, row 0: base 1 of 1");
        let said = changed(|s| {
            s.types = [None, Some(0), Some(3), Some(2)]
                .map(|base| Type {
                    base: base.map(TypeId),
                    ..Type::default()
                })
                .to_vec();
        });
        assert_eq!(said, "types, row 3: the type inherits from itself");
        let said = changed(|s| s.kinds[0].type_id = TypeId(1));
        assert_eq!(said, "kinds, row 0: type 1 of 1");
        let said = changed(|s| s.kinds[0].shape = KindShape::DictOf(TypeId(7)));
        assert_eq!(said, "kinds, row 0: type 7 of 1");
    }

    #[test]
    fn roots_frames_mappings_and_values() {
        let said = changed(|s| s.roots[0].target = ObjectId(2));
        assert_eq!(said, "roots, row 0: object 2 of 2");
        let said = changed(|s| s.frames[0].thread = 1);
        assert_eq!(said, "frames, row 0: thread 1 of 1");
        let said = changed(|s| s.frames[0].object = ObjectId(2));
        assert_eq!(said, "frames, row 0: object 2 of 2");
        let said = changed(|s| s.frames[0].code = Some(ObjectId(2)));
        assert_eq!(said, "frames, row 0: object 2 of 2");
        let said = changed(|s| s.suspended[0].object = ObjectId(2));
        assert_eq!(said, "suspended, row 0: object 2 of 2");
        let said = changed(|s| s.suspended[0].code = Some(ObjectId(2)));
        assert_eq!(said, "suspended, row 0: object 2 of 2");
        let said = changed(|s| s.suspended.push(s.suspended[0].clone()));
        assert_eq!(
            said,
            "suspended, row 1: its object is not after the one before"
        );
        let backwards = Mapping {
            start: 1,
            ..Mapping::default()
        };
        let said = changed(|s| s.mappings.push(backwards));
        assert_eq!(said, "mappings, row 0: it ends before it starts");
        let said = changed(|s| s.values.push(ObjectId(2), crate::ValueForm::Repr, b"1"));
        assert_eq!(said, "values, row 0: object 2 of 2");
        let said = changed(|s| s.digests.push(ObjectId(2), 1));
        assert_eq!(said, "digests, row 0: object 2 of 2");
    }
}
