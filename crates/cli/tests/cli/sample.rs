//! A snapshot made by hand: a module whose dictionary holds thirty sessions, and garbage.

use exuvia_snapshot::{
    Counts, Kind, KindId, KindShape, Metadata, ObjectFlags, ObjectId, Objects, Process, Reference,
    References, Relation, Root, RootCategory, Snapshot, Type, TypeId, ValueForm, Values, write,
};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const DICT: TypeId = TypeId(0);
const MODULE: TypeId = TypeId(3);

const TYPES: [(&str, &str); 5] = [
    ("builtins", "dict"),
    ("builtins", "str"),
    ("builtins", "int"),
    ("builtins", "module"),
    ("shop", "Session"),
];

const NO_OWNER: KindId = KindId(0);
const OF_MODULE: KindId = KindId(1);
const STR: KindId = KindId(2);
const INT: KindId = KindId(3);
const OF_TYPE_MODULE: KindId = KindId(4);
const SESSION: KindId = KindId(5);

/// How many sessions the module holds.
const SESSIONS: u32 = 30;

/// The address of the first object; the others follow at this distance.
pub(crate) const FIRST: u64 = 0x7f00_0000_1000;
const DISTANCE: u64 = 0x100;

/// The sample as a snapshot on disk; it goes away with the value.
pub(crate) struct Sample {
    directory: TempDir,
}

impl Sample {
    pub(crate) fn new() -> Self {
        let sample = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        write(&snapshot(), &sample.path(), &|| false, &|_| {}).unwrap();
        sample
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("sample.exuvia")
    }

    /// Where the snapshot lies.
    pub(crate) fn parent(&self) -> &Path {
        self.directory.path()
    }
}

/// Rows as they are added: objects with their references and values.
#[derive(Default)]
struct Rows {
    objects: Objects,
    references: References,
    values: Values,
}

impl Rows {
    fn add(
        &mut self,
        kind: KindId,
        size: u64,
        value: Option<(ValueForm, &str)>,
        to: &[(Relation, u32)],
    ) {
        let row = self.objects.len() as u32;
        self.objects.address.push(FIRST + u64::from(row) * DISTANCE);
        self.objects.kind.push(kind);
        self.objects.size.push(size);
        self.objects.allocated.push(size.next_multiple_of(16));
        self.objects.flags.push(ObjectFlags::default());
        for &(relation, target) in to {
            self.references.push(Reference {
                target: ObjectId(target),
                relation,
                weak: false,
            });
        }
        self.references.finish_object().unwrap();
        if let Some((form, text)) = value {
            self.values.push(ObjectId(row), form, text.as_bytes());
        }
    }
}

fn snapshot() -> Snapshot {
    let rows = rows();
    let mut objects = rows.objects;
    objects.refcount = vec![0; objects.len()];
    for target in rows.references.targets() {
        objects.refcount[target.index()] += 1;
    }
    let root = ObjectId(0);
    objects.refcount[root.index()] += 1;
    Snapshot {
        metadata: Metadata {
            process: Process {
                pid: 4242,
                python: "3.12.1".to_owned(),
                flavor: "gil".to_owned(),
                resident: 10_000_000,
                ..Process::default()
            },
            counts: Counts {
                objects: objects.len() as u64,
                references: rows.references.len() as u64,
                bytes: objects.size.iter().sum(),
            },
            ..Metadata::default()
        },
        objects,
        references: rows.references,
        types: types(),
        kinds: kinds(),
        roots: vec![Root {
            name: "i0_modules".to_owned(),
            target: root,
            category: RootCategory::Interpreter,
            owned: true,
        }],
        values: rows.values,
        ..Snapshot::default()
    }
}

fn rows() -> Rows {
    let text = |text| Some((ValueForm::Text, text));
    let held = |key, value| {
        [
            (Relation::Key(0), key),
            (Relation::Value(ObjectId(key)), value),
        ]
    };
    let mut rows = Rows::default();
    rows.add(NO_OWNER, 184, None, &held(1, 2));
    rows.add(STR, 53, text("shop"), &[]);
    rows.add(OF_TYPE_MODULE, 72, None, &[(Relation::InstanceDict, 3)]);
    rows.add(OF_MODULE, 184, None, &held(4, 5));
    rows.add(STR, 57, text("SESSIONS"), &[]);
    let sessions: Vec<_> = (0..SESSIONS)
        .flat_map(|i| {
            let (key, session) = (6 + i, 6 + SESSIONS + i);
            [
                (Relation::Key(i), key),
                (Relation::Value(ObjectId(key)), session),
            ]
        })
        .collect();
    rows.add(NO_OWNER, 1168, None, &sessions);
    for number in 0..SESSIONS {
        rows.add(INT, 28, Some((ValueForm::Repr, &number.to_string())), &[]);
    }
    for _ in 0..SESSIONS {
        rows.add(SESSION, 48, None, &[]);
    }
    // Two dictionaries that hold each other, and nobody else does.
    let next = 6 + 2 * SESSIONS;
    rows.add(
        NO_OWNER,
        64,
        None,
        &[(Relation::Value(ObjectId(1)), next + 1)],
    );
    rows.add(NO_OWNER, 64, None, &[(Relation::Value(ObjectId(1)), next)]);
    rows
}

fn types() -> Vec<Type> {
    TYPES
        .iter()
        .zip(1..)
        .map(|(&(module, name), number)| Type {
            address: 0x5000_0000 + number * 0x400,
            module: module.to_owned(),
            name: name.to_owned(),
            tp_name: name.to_owned(),
            ..Type::default()
        })
        .collect()
}

fn kinds() -> Vec<Kind> {
    let kind = |name: &str, type_id, shape| Kind {
        name: name.to_owned(),
        type_id,
        shape,
    };
    vec![
        kind("dict (no owner)", DICT, KindShape::DictWithoutOwner),
        kind("dict of module", DICT, KindShape::DictOf(MODULE)),
        kind("str", TypeId(1), KindShape::Plain),
        kind("int", TypeId(2), KindShape::Plain),
        kind("module", MODULE, KindShape::Plain),
        kind("shop.Session", TypeId(4), KindShape::Plain),
    ]
}
