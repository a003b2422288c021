use super::{document, file::TableFile, parse};
use crate::format::{self, ANALYSIS_DOCUMENT, ANALYSIS_FORMAT, ANALYSIS_VERSION};
use crate::format::{AnalysisDocument, DOCUMENT_LIMIT, Stored};
use crate::{Metadata, OpenError, StoredAnalysis, Summary};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What was kept beside a snapshot; nothing where nothing was, or where it is of other tables or
/// another version.
///
/// # Errors
/// [`OpenError`] where something was kept and is damaged.
pub fn kept_analysis(directory: &Path) -> Result<Option<StoredAnalysis>, OpenError> {
    let Some(kept) = kept(directory)? else {
        return Ok(None);
    };
    let file = TableFile::open(directory, &format::ANALYSIS, &kept.tables)?;
    Ok(Some(StoredAnalysis {
        preorder: file.u32s_or("preorder", 0)?,
        last_descendant: file.u32s_or("last_descendant", 0)?,
    }))
}

/// What the table by kind of a whole snapshot shows, without its objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// Process, capture, counts and diagnostics.
    pub metadata: Metadata,
    /// heapy's names of the kinds.
    pub kinds: Vec<String>,
    /// The rest, by kind.
    pub summary: Summary,
}

/// The overview that was kept beside a snapshot; nothing as for [`kept_analysis`].
///
/// # Errors
/// [`OpenError`] where this is no snapshot, or something of it is damaged.
pub fn kept_overview(directory: &Path) -> Result<Option<Overview>, OpenError> {
    let document = document(directory)?;
    let Some(summary) = kept(directory)?.and_then(|kept| kept.summary) else {
        return Ok(None);
    };
    let kinds = TableFile::open(directory, &format::KINDS, &document.tables)?.texts("name")?;
    Ok((kinds.len() == summary.kinds.len()).then_some(Overview {
        metadata: document.metadata,
        kinds,
        summary,
    }))
}

/// The table by kind that was kept beside a snapshot; nothing as for [`kept_analysis`].
///
/// # Errors
/// [`OpenError`] where something was kept and is damaged.
pub fn kept_summary(directory: &Path) -> Result<Option<Summary>, OpenError> {
    Ok(kept(directory)?.and_then(|kept| kept.summary))
}

/// The tables of a snapshot as they were written: what an analysis is of.
pub(crate) fn tables_of(directory: &Path) -> Result<BTreeMap<String, Stored>, OpenError> {
    Ok(document(directory)?.tables)
}

/// What says to which tables an analysis belongs, if it is of these.
pub(crate) fn kept(directory: &Path) -> Result<Option<AnalysisDocument>, OpenError> {
    let path = directory.join(ANALYSIS_DOCUMENT);
    let mut text = Vec::new();
    let read =
        File::open(&path).and_then(|file| file.take(DOCUMENT_LIMIT + 1).read_to_end(&mut text));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::io(&path, error)),
        Ok(_) => {}
    }
    if text.len() as u64 > DOCUMENT_LIMIT {
        return Err(OpenError::damaged(&path, "it is far too long"));
    }
    let heading: Heading = parse(&path, &text)?;
    if heading.format != ANALYSIS_FORMAT || heading.version != ANALYSIS_VERSION {
        return Ok(None);
    }
    let kept: AnalysisDocument = parse(&path, &text)?;
    Ok((kept.of == tables_of(directory)?).then_some(kept))
}

#[derive(Deserialize)]
struct Heading {
    format: String,
    version: u64,
}
