//! Snapshots that lie, with check sums that are right.
#![no_main]

use exuvia_fuzz::{edits, layout, walk_damaged};
use exuvia_synth::{Python, everything};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

struct Scene {
    folder: tempfile::TempDir,
    /// Names and contents of the tables.
    tables: Vec<(String, Vec<u8>)>,
    document: Vec<u8>,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    forgive_parquet();
    let python = Python::ALL[0];
    let process = everything(python);
    let snapshot = walk_damaged(&process.image, &process, &layout(python)).expect("a snapshot");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.exuvia");
    exuvia_snapshot::write(&snapshot, &path, &|| false, &|_| ()).expect("written");
    let mut tables = Vec::new();
    for entry in fs::read_dir(&path).expect("its files").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        if let Some(table) = name.strip_suffix(".parquet") {
            tables.push((table.to_owned(), fs::read(entry.path()).expect("read")));
        }
    }
    tables.sort();
    let document = fs::read(path.join("snapshot.json")).expect("read");
    Scene {
        folder,
        tables,
        document,
    }
});

/// Opening a snapshot catches panics of the Parquet reader, and libFuzzer's hook would end the
/// program at each. Those that nobody catches end it still.
fn forgive_parquet() {
    std::panic::set_hook(Box::new(|panic| {
        let file = panic.location().map_or("", |at| at.file());
        if !file.contains("/parquet-") {
            eprintln!("{panic}");
        }
    }));
}

fn path() -> PathBuf {
    SCENE.folder.path().join("a.exuvia")
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let scene = &*SCENE;
    let Some((&which, input)) = input.split_first() else {
        return Corpus::Reject;
    };
    let which = usize::from(which) % (scene.tables.len() + 1);
    match scene.tables.get(which) {
        Some((name, whole)) => {
            let mut bytes = whole.clone();
            for edit in edits(input) {
                let at = edit.place % bytes.len().max(1);
                let length = [1, 2, 4, 8][usize::from(edit.kind) % 4];
                if edit.kind == u8::MAX {
                    bytes.truncate(at);
                }
                let changed = bytes.iter_mut().skip(at).zip(edit.value.to_le_bytes());
                changed.take(length).for_each(|(byte, new)| *byte = new);
            }
            let mut document: Value = serde_json::from_slice(&scene.document).expect("JSON");
            let stored = &mut document["tables"][name];
            stored["bytes"] = json!(bytes.len());
            stored["crc32"] = json!(crc32fast::hash(&bytes));
            let file = path().join(name).with_extension("parquet");
            fs::write(&file, &bytes).expect("written");
            fs::write(path().join("snapshot.json"), document.to_string()).expect("written");
            let _ = exuvia_snapshot::open(&path());
            fs::write(&file, whole).expect("written");
        }
        None => {
            // Text of the document, replaced.
            let mut document = scene.document.clone();
            for edit in edits(input) {
                let at = edit.place % document.len();
                document[at] = edit.value as u8;
            }
            fs::write(path().join("snapshot.json"), document).expect("written");
            let _ = exuvia_snapshot::open(&path());
        }
    }
    Corpus::Keep
});
