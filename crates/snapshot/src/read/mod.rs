//! A snapshot from disk.

mod analysis;
mod columns;
mod file;
mod references;
mod tables;

pub use analysis::{Overview, kept_analysis, kept_overview, kept_summary};
pub(crate) use analysis::{kept, tables_of};

use crate::format::{DOCUMENT, DOCUMENT_LIMIT, Document, FORMAT, VERSION};
use crate::{OpenError, Snapshot, check};
use serde::Deserialize;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Reads a whole snapshot.
///
/// The files are not trusted. Their check sums tell what was damaged by accident; what was
/// made by intent is held to the schema, to bounds on rows, and to [`check`].
///
/// # Errors
/// [`OpenError`], naming the file at fault.
pub fn open(path: &Path) -> Result<Snapshot, OpenError> {
    let document = document(path)?;
    let snapshot = tables::read(path, document)?;
    check(&snapshot).map_err(|inconsistency| OpenError::Inconsistent {
        path: path.to_owned(),
        inconsistency,
    })?;
    Ok(snapshot)
}

/// Whether a path looks like a snapshot: a directory with a `snapshot.json` in it.
pub fn is_snapshot(path: &Path) -> bool {
    path.join(DOCUMENT).is_file()
}

fn document(directory: &Path) -> Result<Document, OpenError> {
    let not_a_snapshot = |reason| OpenError::NotASnapshot {
        path: directory.to_owned(),
        reason,
    };
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(not_a_snapshot("it is not a directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::NotFound {
                path: directory.to_owned(),
            });
        }
        Err(error) => return Err(OpenError::io(directory, error)),
    }
    let path = directory.join(DOCUMENT);
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(OpenError::io(&path, error));
        }
        _ => return Err(not_a_snapshot("there is no snapshot.json in it")),
    }
    let mut text = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(DOCUMENT_LIMIT + 1).read_to_end(&mut text))
        .map_err(|error| OpenError::io(&path, error))?;
    if text.len() as u64 > DOCUMENT_LIMIT {
        return Err(OpenError::damaged(&path, "it is far too long"));
    }

    // A newer version may have changed everything but these two.
    let heading: Heading = parse(&path, &text)?;
    if heading.format != FORMAT {
        return Err(not_a_snapshot("its snapshot.json is of another format"));
    }
    match heading.version {
        1..=VERSION => parse(&path, &text),
        0 => Err(OpenError::damaged(&path, "there is no version 0")),
        found => Err(OpenError::Newer {
            path: directory.to_owned(),
            found,
        }),
    }
}

#[derive(Deserialize)]
struct Heading {
    format: String,
    version: u64,
}

fn parse<'a, T: Deserialize<'a>>(path: &Path, text: &'a [u8]) -> Result<T, OpenError> {
    serde_json::from_slice(text).map_err(|error| OpenError::damaged(path, error.to_string()))
}
