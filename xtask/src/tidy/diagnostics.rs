//! The codes of diagnostics against the page that explains them.

use super::Finding;
use crate::cargo;
use anyhow::Result;
use std::collections::BTreeSet;
use std::fs;

/// The page.
const PAGE: &str = "docs/diagnostics.md";

/// Where codes are written down.
const SOURCES: &[&str] = &[
    "crates/walker/src/diagnostics.rs",
    "crates/walker/src/digest.rs",
    "crates/walker/src/kinds.rs",
    "crates/walker/src/native/rounds.rs",
    "crates/cli/src/capture/core.rs",
    "crates/cli/src/capture/interpreter.rs",
];

pub(super) fn check() -> Result<Vec<Finding>> {
    let root = cargo::root();
    let mut codes = BTreeSet::new();
    for source in SOURCES {
        codes.extend(codes_in(&fs::read_to_string(root.join(source))?));
    }
    let explained = explained(&fs::read_to_string(root.join(PAGE))?);
    let missing = codes.difference(&explained);
    let missing = missing.map(|code| Finding::error(PAGE, format!("`{code}` is not explained")));
    let stale = explained.difference(&codes);
    let stale = stale.map(|code| Finding::error(PAGE, format!("no diagnostic is called `{code}`")));
    Ok(missing.chain(stale).collect())
}

/// Codes as sources have them: `Self::Torn => "torn-container"`, `code: "scanned"`, or alone in a
/// line as an argument.
fn codes_in(text: &str) -> BTreeSet<String> {
    let codes = text.lines().filter_map(|line| {
        let (before, rest) = line.split_once('"')?;
        let (code, after) = rest.split_once('"')?;
        let before = before.trim();
        let is_place = before.is_empty() && after == ","
            || before.starts_with("Self::") && before.ends_with("=>")
            || before == "code:";
        (is_place && is_code(code)).then(|| code.to_owned())
    });
    codes.collect()
}

/// The first column of each table.
fn explained(page: &str) -> BTreeSet<String> {
    let codes = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    codes.map(|(code, _)| code.to_owned()).collect()
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_from_other_texts() {
        let text = r#"
            Self::Torn => "torn-container",
            Self::Torn => "a container was being changed",
            code: "scanned".to_owned(),
            "core-file-missing",
            let name = "no-code";
        "#;
        let found: Vec<_> = codes_in(text).into_iter().collect();
        assert_eq!(found, ["core-file-missing", "scanned", "torn-container"]);
        let page = "| code | what |\n|---|---|\n| `torn-container` | `other` |\n";
        assert_eq!(
            explained(page),
            BTreeSet::from(["torn-container".to_owned()])
        );
    }
}
