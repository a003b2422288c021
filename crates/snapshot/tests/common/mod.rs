//! A small snapshot in which every table has rows, and places to put it.

#![allow(dead_code, reason = "every test uses a part of it")]

use exuvia_snapshot::*;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The tables that a snapshot has.
pub(crate) const TABLES: [&str; 12] = [
    "objects",
    "references",
    "types",
    "kinds",
    "names",
    "roots",
    "threads",
    "frames",
    "suspended",
    "mappings",
    "values",
    "digests",
];

/// Some objects, each of which refers to the next one in every way there is.
pub(crate) fn sample() -> Snapshot {
    let count = 40;
    let mut snapshot = Snapshot::default();
    snapshot.metadata.process.python = "3.12.1".into();
    snapshot.metadata.capture.time = 1.7e9 + 0.1;
    for row in 0..count {
        snapshot
            .objects
            .address
            .push(0x7f00_0000_0000 + 48 * u64::from(row));
        snapshot.objects.kind.push(KindId(row % 3));
        snapshot.objects.size.push(48);
        snapshot.objects.allocated.push(64);
        snapshot
            .objects
            .refcount
            .push(if row == 0 { u32::MAX } else { row });
        snapshot.objects.flags.push(ObjectFlags(row as u8));
        for code in 1..=15 {
            snapshot.references.push(Reference {
                target: ObjectId((row + 1) % count),
                relation: Relation::decode(code, u32::from(code % 2)).unwrap(),
                weak: code == row as u8,
            });
        }
        snapshot.references.finish_object().unwrap();
    }
    let base = Type {
        name: "object".into(),
        ..Type::default()
    };
    let derived = Type {
        name: "Session".into(),
        object: Some(ObjectId(1)),
        base: Some(TypeId(0)),
        ..Type::default()
    };
    snapshot.types = vec![base, derived];
    snapshot.kinds = [
        ("object", KindShape::Plain),
        ("dict of Session", KindShape::DictOf(TypeId(1))),
        ("dict (no owner)", KindShape::DictWithoutOwner),
    ]
    .map(|(name, shape)| Kind {
        name: name.into(),
        type_id: TypeId(0),
        shape,
    })
    .to_vec();
    snapshot.names = vec!["ob_type".into(), "größe".into()];
    snapshot.roots = vec![Root {
        name: "i0_modules".into(),
        target: ObjectId(0),
        category: RootCategory::Interpreter,
        owned: true,
    }];
    snapshot.threads = vec![Thread::default()];
    snapshot.frames = vec![Frame {
        code: Some(ObjectId(3)),
        function: "main".into(),
        ..Frame::default()
    }];
    snapshot.suspended = vec![SuspendedFrame {
        object: ObjectId(5),
        line: 7,
        ..SuspendedFrame::default()
    }];
    snapshot.mappings = vec![Mapping {
        start: 0x1000,
        end: 0x3000,
        path: "[heap]".into(),
        resident: 4096,
        proportional: 2048,
        ..Mapping::default()
    }];
    let forms = [
        (ValueForm::Text, "naïve"),
        (ValueForm::TextStart, ""),
        (ValueForm::Bytes, "\0"),
        (ValueForm::BytesStart, "secret"),
        (ValueForm::Repr, "12345"),
    ];
    for (row, (form, value)) in forms.into_iter().enumerate() {
        snapshot
            .values
            .push(ObjectId(row as u32 * 2), form, value.as_bytes());
    }
    for row in [2, 6] {
        snapshot
            .digests
            .push(ObjectId(row), u64::MAX - u64::from(row));
    }
    snapshot
}

/// Writes a snapshot that nothing stands in the way of.
pub(crate) fn written(snapshot: &Snapshot) -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("heap.exuvia");
    write(snapshot, &path, &|| false, &|_| ()).unwrap();
    (parent, path)
}

/// The names of what a directory contains.
pub(crate) fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Changes `snapshot.json`.
pub(crate) fn edit_document(snapshot: &Path, edit: impl FnOnce(&mut serde_json::Value)) {
    let path = snapshot.join("snapshot.json");
    let mut document = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    edit(&mut document);
    std::fs::write(&path, document.to_string()).unwrap();
}

/// Replaces the file of a table, and what `snapshot.json` says of its bytes, as somebody
/// does who means harm.
pub(crate) fn forge(snapshot: &Path, table: &str, bytes: &[u8]) {
    std::fs::write(snapshot.join(format!("{table}.parquet")), bytes).unwrap();
    edit_document(snapshot, |document| {
        let stored = &mut document["tables"][table];
        stored["bytes"] = bytes.len().into();
        stored["crc32"] = crc32fast::hash(bytes).into();
    });
}
