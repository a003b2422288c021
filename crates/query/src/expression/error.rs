use std::fmt;
use std::ops::Range;

/// Why a text is no expression, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    /// The whole text.
    pub text: String,
    /// The bytes that are wrong; at the end of the text where something is missing.
    pub at: Range<usize>,
    /// What is wrong with them.
    pub message: String,
}

impl std::error::Error for ExpressionError {}

impl fmt::Display for ExpressionError {
    /// What is wrong, the text on a line of its own, and marks below the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| -> String {
            let clean = |char: char| if char.is_control() { ' ' } else { char };
            text.chars().map(clean).collect()
        };
        let width = |range: Range<usize>| {
            let part = self.text.get(range).unwrap_or_default();
            part.chars().count()
        };
        let before = " ".repeat(width(0..self.at.start));
        let marks = "^".repeat(width(self.at.clone()).max(1));
        writeln!(f, "{}", self.message)?;
        writeln!(f, "  {}", shown(&self.text))?;
        write!(f, "  {before}{marks}")
    }
}
