//! The support table: in which interpreters the walker was compared with what the interpreter
//! says of itself, and what came of it.
//!
//! Each row comes from a comparison that this very run has made. The README gets the table of
//! a run on a developer's machine that had every interpreter; a run that lacks some, or one
//! for continuous integration, only prints its own.

mod readme;
mod table;

use crate::pythons::Missing;
use anyhow::Result;
use exuvia_testkit::SupportRecord;
use std::path::Path;
use table::Table;
use tempfile::TempDir;

/// The rows of one run, while it goes on.
pub(crate) struct Support {
    folder: TempDir,
}

impl Support {
    /// No rows so far.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
        })
    }

    /// Where the oracle's tests write what they found.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Prints the table, and writes it to the README where that is right.
    pub(crate) fn conclude(&self, missing: &[Missing]) -> Result<()> {
        let table = Table {
            records: SupportRecord::read_all(self.folder())?,
            missing,
        };
        eprintln!("\n== support table\n\n{table}");
        if is_continuous_integration() {
            return Ok(());
        }
        if !missing.is_empty() || table.records.is_empty() {
            eprintln!(
                "README.md keeps its table: {} interpreters are missing here",
                missing.len()
            );
            return Ok(());
        }
        readme::write(&table.to_string())
    }
}

/// Whether nobody would commit what this run writes.
pub(crate) fn is_continuous_integration() -> bool {
    std::env::var_os("CI").is_some()
}
