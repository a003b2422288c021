//! A snapshot to disk.

mod analysis;
mod cells;
mod chunk;
mod file;
mod partial;
mod tables;

pub use analysis::{keep_analysis, keep_summary};

use crate::format::{DOCUMENT, Document, FORMAT, Stored, VERSION};
use crate::parallel::{Results, in_order};
use crate::{Snapshot, WriteError, check};
use chunk::{Chunk, encode};
use file::{TableFile, create};
use parquet::errors::ParquetError;
use partial::Partial;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tables::{TableData, tables};

/// Writes a snapshot as a new directory, and returns how many bytes it takes on disk.
///
/// The directory is made under a temporary name beside `destination`, readable by this user
/// only, and renamed when it is complete. After any error the temporary directory is removed, and
/// there is nothing at `destination` that was not there before.
///
/// `cancelled` is asked about fifty times a second, and `progress` is told the share that is
/// done, from 0 to 1; both on the calling thread.
///
/// # Errors
/// [`WriteError`], naming the path that failed.
pub fn write(
    snapshot: &Snapshot,
    destination: &Path,
    cancelled: &dyn Fn() -> bool,
    progress: &dyn Fn(f64),
) -> Result<u64, WriteError> {
    check(snapshot)?;
    let partial = Partial::create(destination)?;
    let bytes = write_files(snapshot, partial.path(), cancelled, progress)
        .map_err(|error| partial.as_named(error))?;
    partial.complete()?;
    progress(1.0);
    Ok(bytes)
}

fn write_files(
    snapshot: &Snapshot,
    directory: &Path,
    cancelled: &dyn Fn() -> bool,
    progress: &dyn Fn(f64),
) -> Result<u64, WriteError> {
    let tables = tables(snapshot).map_err(|error| failure(directory, error))?;
    let stored = write_tables(&tables, directory, cancelled, progress)?;
    write_document(snapshot, stored, directory)
}

/// Encodes column chunks on all cores, and writes them to their files in order.
fn write_tables(
    tables: &[TableData<'_>],
    directory: &Path,
    cancelled: &dyn Fn() -> bool,
    progress: &dyn Fn(f64),
) -> Result<BTreeMap<String, Stored>, WriteError> {
    let mut jobs = Vec::new();
    for table in tables {
        for group in &table.groups {
            jobs.extend((0..table.cells.len()).map(|column| (table, group.clone(), column)));
        }
    }
    let cells: usize = jobs.iter().map(|(_, rows, _)| rows.len()).sum();
    let mut done = 0;
    let mut advance = |rows: usize| {
        done += rows;
        // The rest is for the document and the rename.
        progress(0.99 * done as f64 / cells.max(1) as f64);
    };
    let encode = |(table, rows, column): &(&TableData<'_>, _, _)| encode(table, *column, rows);
    in_order(&jobs, encode, |chunks| {
        let mut stored = BTreeMap::new();
        for table in tables {
            let path = directory.join(table.table.file());
            let mut next = || next_chunk(chunks, &path, cancelled);
            let file = write_table(table, &path, &mut next, &mut advance)?;
            stored.insert(table.table.name.to_owned(), file);
        }
        Ok(stored)
    })
}

fn next_chunk(
    chunks: &mut Results<Result<Chunk, ParquetError>>,
    path: &Path,
    cancelled: &dyn Fn() -> bool,
) -> Result<Chunk, WriteError> {
    let waiting = || {
        if cancelled() {
            Err(WriteError::Cancelled)
        } else {
            Ok(())
        }
    };
    match chunks.next(waiting)? {
        Some(chunk) => chunk.map_err(|error| failure(path, error)),
        None => Err(failure(
            path,
            ParquetError::EOF("a column is missing".into()),
        )),
    }
}

fn write_table(
    table: &TableData<'_>,
    path: &Path,
    next: &mut dyn FnMut() -> Result<Chunk, WriteError>,
    advance: &mut dyn FnMut(usize),
) -> Result<Stored, WriteError> {
    let fails = |error| failure(path, error);
    let mut file = TableFile::create(path, table)?;
    for group in &table.groups {
        let mut row_group = file.next_row_group().map_err(fails)?;
        for _ in &table.cells {
            let chunk = next()?;
            row_group
                .append_column(&chunk.bytes, chunk.closed)
                .map_err(fails)?;
            advance(group.len());
        }
        row_group.close().map_err(fails)?;
    }
    file.finish(table.rows)
}

/// Writes `snapshot.json`, and returns the size of the whole snapshot.
fn write_document(
    snapshot: &Snapshot,
    tables: BTreeMap<String, Stored>,
    directory: &Path,
) -> Result<u64, WriteError> {
    let path = directory.join(DOCUMENT);
    let tables_bytes: u64 = tables.values().map(|stored| stored.bytes).sum();
    let document = Document {
        format: FORMAT.to_owned(),
        version: VERSION,
        metadata: snapshot.metadata.clone(),
        tables,
    };
    let io = |error| WriteError::io(&path, error);
    let mut text = serde_json::to_vec_pretty(&document).map_err(|error| io(error.into()))?;
    text.push(b'\n');
    let mut file = create(&path).map_err(io)?;
    file.write_all(&text).map_err(io)?;
    file.sync_data().map_err(io)?;
    Ok(tables_bytes + text.len() as u64)
}

/// The Parquet writer wraps the errors of the file that it writes to.
fn failure(path: &Path, error: ParquetError) -> WriteError {
    let path: PathBuf = path.to_owned();
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(source) => WriteError::Io {
                path,
                source: *source,
            },
            Err(error) => WriteError::Encode {
                path,
                reason: error.to_string(),
            },
        },
        other => WriteError::Encode {
            path,
            reason: other.to_string(),
        },
    }
}
