use crate::cargo;
use anyhow::{Context, Result, ensure};
use exuvia_testkit::SupportRecord;
use std::collections::BTreeSet;
use std::fs;

const BEGIN: &str = "<!-- support table: written by `cargo xtask test` -->\n";
const END: &str = "<!-- end of the support table -->\n";

/// Puts the table between the marks in the README.
pub(super) fn write(table: &str) -> Result<()> {
    let path = cargo::root().join("README.md");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let new = replaced(&text, table).context("README.md has no marks for the support table")?;
    if new != text {
        fs::write(&path, new)?;
        eprintln!("README.md: the support table is new");
    }
    Ok(())
}

/// Fails when the table does not tell of what this run has found. Figures may differ from
/// machine to machine, and bug-fix releases too.
pub(super) fn check(records: &[SupportRecord]) -> Result<()> {
    let path = cargo::root().join("README.md");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let absent = absent(&text, records);
    ensure!(
        absent.is_empty(),
        "README.md's support table lacks CPython {}: `cargo xtask test` writes it where CI is \
         not set",
        absent.join(", ")
    );
    Ok(())
}

/// The series and flavors that ran, and are in no row of the table.
fn absent(text: &str, records: &[SupportRecord]) -> Vec<String> {
    let table = text.split_once(BEGIN).map_or("", |(_, rest)| rest);
    let table = table.split_once(END).map_or("", |(table, _)| table);
    let is_there = |record: &SupportRecord| {
        let (major, minor, _) = record.version;
        let begin = format!("| {major}.{minor}.");
        table
            .lines()
            .filter(|line| line.starts_with(&begin))
            .any(|line| {
                let name = line.split('|').nth(1).unwrap_or_default().trim();
                name.ends_with('t') == record.free_threaded
            })
    };
    let absent: BTreeSet<_> = records
        .iter()
        .filter(|record| !is_there(record))
        .map(SupportRecord::series)
        .collect();
    absent.into_iter().collect()
}

/// The text with another table between its marks; none if it has no marks.
fn replaced(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n\n{END}{after}", table.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::table::tests::record;

    #[test]
    fn what_ran_must_be_in_the_table() {
        let table = "| 3.11.2 | static |\n| 3.12.1t | static |\n| 3.1 | |\n";
        let text = format!("| 3.13.0 |\n{BEGIN}{table}{END}| 3.10.0 |");
        let free_threaded = SupportRecord {
            free_threaded: true,
            ..record(12, &[])
        };
        assert!(absent(&text, &[record(11, &[]), free_threaded]).is_empty());
        let others = [record(10, &[]), record(13, &[]), record(12, &[])];
        assert_eq!(absent(&text, &others), ["3.10", "3.12", "3.13"]);
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let text = format!("before\n{BEGIN}old\n{END}after\n");
        let new = replaced(&text, "| new |\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\n| new |\n\n{END}after\n"));
        assert_eq!(replaced(&new, "| new |"), Some(new));
        assert_eq!(replaced("no marks", "| new |"), None);
    }
}
