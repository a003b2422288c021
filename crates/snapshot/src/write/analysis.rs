use super::cells::{Cells, nullable_u32s, nullable_u64s, u32s};
use super::partial::Partial;
use super::tables::table;
use super::{failure, file::create, write_tables};
use crate::format::{self, ANALYSIS_DOCUMENT, AnalysisDocument};
use crate::read::{kept, tables_of};
use crate::{AnalysisRow, AnalysisRows, ObjectId, OpenError, Summary, WriteError};
use std::io::Write;
use std::path::Path;

/// Keeps what was derived from a snapshot beside it, in the snapshot's directory:
/// `analysis.parquet`, and `analysis.json` that says to which tables it belongs. What was kept
/// there before is replaced.
///
/// `objects` is the number of objects of the snapshot.
///
/// # Errors
/// [`WriteError`], naming the path that failed. The snapshot is as it was, and what was kept
/// before may be gone.
pub fn keep_analysis(
    directory: &Path,
    objects: usize,
    rows: &dyn AnalysisRows,
) -> Result<(), WriteError> {
    let of = tables_of(directory).map_err(unreadable)?;
    let partial = Partial::create(&directory.join(format::ANALYSIS.name))?;
    let table = table(&format::ANALYSIS, objects, cells(rows))
        .map_err(|error| failure(directory, error))?;
    let written = write_tables(&[table], partial.path(), &|| false, &|_| {})
        .map_err(|error| partial.as_named(error))?;
    let document = AnalysisDocument {
        format: format::ANALYSIS_FORMAT.to_owned(),
        version: format::ANALYSIS_VERSION,
        of,
        tables: written,
        summary: None,
    };
    write_document(&document, partial.path()).map_err(|error| partial.as_named(error))?;
    // Without its document the table is ignored, so that the two never disagree for long.
    partial.into_place(&[&format::ANALYSIS.file(), ANALYSIS_DOCUMENT])
}

/// Keeps the table by kind as well, once the rest is there. Where it is not, nothing is kept.
///
/// # Errors
/// [`WriteError`], naming the path that failed.
pub fn keep_summary(directory: &Path, summary: &Summary) -> Result<(), WriteError> {
    let Some(mut document) = kept(directory).map_err(unreadable)? else {
        return Ok(());
    };
    document.summary = Some(summary.clone());
    let partial = Partial::create(&directory.join(format::ANALYSIS.name))?;
    write_document(&document, partial.path()).map_err(|error| partial.as_named(error))?;
    partial.into_place(&[ANALYSIS_DOCUMENT])
}

fn unreadable(error: OpenError) -> WriteError {
    WriteError::Unreadable {
        reason: error.to_string(),
    }
}

fn cells(rows: &dyn AnalysisRows) -> Vec<Cells<'_>> {
    let row = move |object: usize| rows.row(ObjectId(object as u32));
    let number = move |field: fn(AnalysisRow) -> u32| nullable_u32s(move |id| row(id).map(field));
    vec![
        u32s(|row| row as u32),
        nullable_u32s(move |id| row(id)?.dominator.map(|dominator| dominator.0)),
        nullable_u64s(move |id| row(id).map(|row| row.retained)),
        number(|row| row.depth),
        number(|row| row.preorder),
        number(|row| row.last_descendant),
    ]
}

fn write_document(document: &AnalysisDocument, directory: &Path) -> Result<(), WriteError> {
    let path = directory.join(ANALYSIS_DOCUMENT);
    let io = |error| WriteError::io(&path, error);
    let mut text = serde_json::to_vec_pretty(document).map_err(|error| io(error.into()))?;
    text.push(b'\n');
    let mut file = create(&path).map_err(io)?;
    file.write_all(&text).map_err(io)?;
    file.sync_data().map_err(io)
}
