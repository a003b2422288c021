//! How answers are printed: for people as heapy does it, for programs as JSON and CSV.

pub(crate) mod check;
pub(crate) mod csv;
pub(crate) mod diff;
pub(crate) mod dominated;
pub(crate) mod exec;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod leaks;
pub(crate) mod memory;
pub(crate) mod merged;
pub(crate) mod modules;
pub(crate) mod neighbours;
pub(crate) mod object;
pub(crate) mod paths;
pub(crate) mod pattern;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]
pub(crate) mod printed;
pub(crate) mod processes;
pub(crate) mod table;
pub(crate) mod threads;
pub(crate) mod tree;
pub(crate) mod units;
pub(crate) mod waste;
pub(crate) mod watch;

use std::borrow::Cow;

/// Titles of columns and sections, on terminals that have colours.
const TITLE: anstyle::Style = anstyle::Style::new().bold();

/// Text that came from a target, safe for a terminal: what could move its cursor or change
/// its colours is written as Python would escape it.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => printable.push_str("\\n"),
            '\r' => printable.push_str("\\r"),
            '\t' => printable.push_str("\\t"),
            c if c.is_control() => printable.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => printable.push(c),
        }
    }
    Cow::Owned(printable)
}

/// `1 object`, `2 objects`.
pub(crate) fn counted(count: u64, singular: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {singular}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_cannot_write_to_the_terminal() {
        assert_eq!(printable("\x1b[2Jé\n\u{9b}1m"), "\\x1b[2Jé\\n\\x9b1m");
        assert!(matches!(printable("dict of shop.Item"), Cow::Borrowed(_)));
    }
}
