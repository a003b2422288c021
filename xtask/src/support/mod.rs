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

    /// Prints the table. Where that is right, writes it to the README; for continuous
    /// integration, checks that the README has it.
    pub(crate) fn conclude(&self, missing: &[Missing], passed: bool) -> Result<()> {
        let table = Table {
            records: SupportRecord::read_all(self.folder())?,
            refused: exuvia_testkit::unsupported()?,
            missing,
        };
        eprintln!("\n== support table\n\n{table}");
        if !passed {
            return Ok(());
        }
        if is_continuous_integration() {
            return readme::check(&table.records);
        }
        if missing.is_empty() {
            // No failure: libraries may be missing, such as PyTorch without Debian.
            for rule in exuvia_testkit::unneeded_rules(self.folder())? {
                eprintln!("needed by no comparison of this run: {rule}");
            }
            return readme::write(&table.to_string());
        }
        let count = missing.len();
        eprintln!("README.md keeps its table: {count} interpreters are missing here");
        Ok(())
    }
}

/// Whether nobody would commit what this run writes.
pub(crate) fn is_continuous_integration() -> bool {
    std::env::var_os("CI").is_some()
}
