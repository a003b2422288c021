//! Everything that is not a whole snapshot of this version is told apart, by really damaging
//! one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use common::{TABLES, edit_document, forge, sample, written};
use exuvia_snapshot::*;
use std::fs;
use std::path::Path;

/// The file that an error blames for damage, and the message with its hint.
fn blamed(path: &Path) -> (String, String) {
    match open(path).unwrap_err() {
        OpenError::Damaged { path, what } => {
            let name = path.file_name().unwrap().to_str().unwrap();
            (name.to_owned(), what)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_there() {
    let error = open(Path::new("/nonexistent/heap.exuvia")).unwrap_err();
    assert!(matches!(error, OpenError::NotFound { .. }), "{error}");
    assert_eq!(error.to_string(), "/nonexistent/heap.exuvia does not exist");
    assert!(error.hint().is_some());
}

#[test]
fn something_else_is_there() {
    let (parent, path) = written(&sample());
    let file = path.join("objects.parquet");
    for other in [parent.path(), &file] {
        assert!(!is_snapshot(other));
        let error = open(other).unwrap_err();
        assert!(matches!(error, OpenError::NotASnapshot { .. }), "{error}");
        assert!(error.hint().is_some());
    }
    edit_document(&path, |document| document["format"] = "another".into());
    let error = open(&path).unwrap_err();
    assert!(matches!(error, OpenError::NotASnapshot { .. }), "{error}");
}

#[test]
fn a_newer_version() {
    let (_parent, path) = written(&sample());
    edit_document(&path, |document| {
        *document = serde_json::json!({"format": document["format"], "version": 7});
    });
    let error = open(&path).unwrap_err();
    assert!(
        matches!(error, OpenError::Newer { found: 7, .. }),
        "{error}"
    );
    let message = error.to_string();
    assert!(message.contains("version 7") && message.contains(&VERSION.to_string()));
    assert!(error.hint().is_some());
}

#[test]
fn each_file_cut_off_emptied_or_missing() {
    for table in TABLES {
        let (_parent, path) = written(&sample());
        let name = format!("{table}.parquet");
        let file = path.join(&name);
        let whole = fs::read(&file).unwrap();
        for length in [whole.len() - 1, whole.len() / 2, 0] {
            fs::write(&file, &whole[..length]).unwrap();
            let (blamed, what) = blamed(&path);
            assert_eq!(blamed, name);
            let expected = format!("it is {length} bytes long instead of {}", whole.len());
            assert_eq!(what, expected);
        }
        fs::remove_file(&file).unwrap();
        assert_eq!(blamed(&path), (name, "it is missing".to_owned()));
    }
}

#[test]
fn a_byte_flipped_anywhere() {
    let (_parent, path) = written(&sample());
    for table in TABLES {
        let name = format!("{table}.parquet");
        let file = path.join(&name);
        let whole = fs::read(&file).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 9) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x10;
            fs::write(&file, &flipped).unwrap();
            assert_eq!(
                blamed(&path),
                (name.clone(), "its check sum is wrong".to_owned())
            );
        }
        fs::write(&file, whole).unwrap();
    }
    assert_eq!(open(&path).unwrap(), sample());
}

#[test]
fn a_document_cut_off_or_with_parts_missing() {
    let (_parent, path) = written(&sample());
    let file = path.join("snapshot.json");
    let whole = fs::read(&file).unwrap();
    for length in [whole.len() / 2, 0] {
        fs::write(&file, &whole[..length]).unwrap();
        assert_eq!(blamed(&path).0, "snapshot.json");
    }
    for part in ["version", "process", "tables"] {
        fs::write(&file, &whole).unwrap();
        edit_document(&path, |document| {
            document.as_object_mut().unwrap().remove(part).unwrap();
        });
        let (blamed, what) = blamed(&path);
        assert_eq!(blamed, "snapshot.json");
        assert!(what.contains(part), "{what}");
    }
    fs::write(&file, &whole).unwrap();
    edit_document(&path, |document| {
        document["tables"]
            .as_object_mut()
            .unwrap()
            .remove("roots")
            .unwrap();
    });
    let missing = (
        "snapshot.json".to_owned(),
        "it has no table roots".to_owned(),
    );
    assert_eq!(blamed(&path), missing);
}

#[test]
fn other_row_counts_and_other_columns() {
    let (_parent, path) = written(&sample());
    edit_document(&path, |document| {
        document["tables"]["names"]["rows"] = 3.into()
    });
    let (blamed_file, what) = blamed(&path);
    assert_eq!(blamed_file, "names.parquet");
    assert!(what.contains("rows"), "{what}");

    let kinds = fs::read(path.join("kinds.parquet")).unwrap();
    forge(&path, "names", &kinds);
    let (blamed_file, what) = blamed(&path);
    assert_eq!(blamed_file, "names.parquet");
    assert!(what.contains("columns"), "{what}");
}

/// Tables that fit their check sums but not each other: those of another snapshot.
#[test]
fn tables_of_another_snapshot() {
    let (_parent, path) = written(&sample());
    let mut fewer = sample();
    fewer.types.pop();
    fewer.kinds.truncate(1);
    fewer.objects.kind.fill(KindId(0));
    let (_other_parent, other) = written(&fewer);
    let types = fs::read(other.join("types.parquet")).unwrap();
    forge(&path, "types", &types);
    edit_document(&path, |document| {
        document["tables"]["types"]["rows"] = 1.into()
    });
    let error = open(&path).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("contradicts itself: kinds, row 1: type 1 of 1"),
        "{error}"
    );
    assert!(matches!(error, OpenError::Inconsistent { .. }));
}

/// The snapshot that [`open_as_somebody_else`] opens; set in that process only.
#[cfg(unix)]
const UNREADABLE: &str = "EXUVIA_TEST_UNREADABLE";

/// Root may read everything, so this runs itself again as nobody where it is root.
#[cfg(unix)]
#[test]
fn permission_denied() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let (parent, path) = written(&sample());
    let is_root = path.metadata().unwrap().uid() == 0;
    fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // The program that runs may lie where nobody else gets.
    let program = parent.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let document = path.join("snapshot.json");
    for unreadable in [&path, &document] {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(unreadable, fs::Permissions::from_mode(0o000)).unwrap();
        let mut command = std::process::Command::new(&program);
        command
            .args(["--exact", "open_as_somebody_else", "--nocapture"])
            .env(UNREADABLE, &path);
        if is_root {
            command.uid(65534).gid(65534);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
}

#[cfg(unix)]
#[test]
fn open_as_somebody_else() {
    let Some(path) = std::env::var_os(UNREADABLE) else {
        return;
    };
    let error = open(Path::new(&path)).unwrap_err();
    assert!(
        matches!(error, OpenError::PermissionDenied { .. }),
        "{error:?}"
    );
    assert!(error.to_string().ends_with(": permission denied"));
    assert!(error.hint().is_some());
}
