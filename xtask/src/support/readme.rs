use crate::cargo;
use anyhow::{Context, Result};
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

/// The text with another table between its marks; none if it has no marks.
fn replaced(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n\n{END}{after}", table.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let text = format!("before\n{BEGIN}old\n{END}after\n");
        let new = replaced(&text, "| new |\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\n| new |\n\n{END}after\n"));
        assert_eq!(replaced(&new, "| new |"), Some(new));
        assert_eq!(replaced("no marks", "| new |"), None);
    }
}
