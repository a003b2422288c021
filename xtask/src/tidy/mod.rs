//! `cargo xtask tidy`: rules of the workspace that no compiler and no lint knows.

mod dependencies;
mod diagnostics;
mod sources;

use anyhow::{Result, bail};
use std::fmt;

/// Checks all rules and prints every offence; warnings alone are not a failure.
pub(crate) fn run() -> Result<()> {
    let mut findings = dependencies::check()?;
    findings.extend(sources::check()?);
    findings.extend(diagnostics::check()?);
    for finding in &findings {
        eprintln!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.is_error).count();
    if errors > 0 {
        bail!("tidy: {errors} rules are broken");
    }
    Ok(())
}

/// Something that tidy has to say.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Whether it must be changed.
    is_error: bool,
    /// The crate or the file, with its line.
    place: String,
    /// What is wrong, and what the rule is.
    message: String,
}

impl Finding {
    fn error(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            is_error: true,
            place: place.into(),
            message: message.into(),
        }
    }

    fn warning(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            is_error: false,
            ..Self::error(place, message)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.is_error { "error" } else { "warning" };
        write!(f, "{level}: {}: {}", self.place, self.message)
    }
}
