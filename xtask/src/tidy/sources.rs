//! Rules about the text of the sources.

use super::Finding;
use crate::cargo;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};

/// A file is one concept, which rarely needs more lines than this.
const LONG: usize = 600;

/// The only crate that may compare versions of Python.
const VERSIONS: &str = "crates/cpython/";

/// The only crate that may hold `unsafe`.
const UNSAFE: &str = "crates/tracee/";

/// Crates that no user runs: they choose interpreters to test with.
const DEVELOPMENT: &[&str] = &["crates/testkit/", "crates/synth/", "xtask/"];

pub(super) fn check() -> Result<Vec<Finding>> {
    let root = cargo::root();
    let mut findings = Vec::new();
    for folder in ["crates", "xtask"] {
        for path in rust_files(&root.join(folder))? {
            let text = fs::read_to_string(&path)?;
            let name = path.strip_prefix(root).unwrap_or(&path);
            findings.extend(check_file(&name.to_string_lossy(), &text));
        }
    }
    Ok(findings)
}

fn check_file(name: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_crate_root = name.ends_with("src/lib.rs") || name.ends_with("src/main.rs");
    if is_crate_root && !text.starts_with("//!") {
        findings.push(Finding::error(
            name,
            "the crate has no documentation at the top",
        ));
    }
    let length = text.lines().count();
    if length > LONG {
        let message = format!("{length} lines; more than {LONG} are rarely one concept");
        findings.push(Finding::warning(name, message));
    }
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let place = || format!("{name}:{}", number + 1);
        if has_unsafe(code) && !name.starts_with(UNSAFE) {
            let message = format!("`unsafe` belongs into {UNSAFE}");
            findings.push(Finding::error(place(), message));
        }
        if compares_versions(code) && !may_compare_versions(name) {
            let message = format!("versions of Python are compared in {VERSIONS} only");
            findings.push(Finding::error(place(), message));
        }
    }
    findings
}

/// The keyword with a block, function, trait or implementation, or a lint that allows them.
fn has_unsafe(code: &str) -> bool {
    let keyword = ["{", "fn", "impl", "trait", "extern"]
        .iter()
        .any(|next| code.contains(&format!("{} {next}", concat!("uns", "afe"))));
    keyword || code.contains(concat!("allow(uns", "afe_code"))
}

fn compares_versions(code: &str) -> bool {
    let fields = [".minor", ".major", ".micro"];
    let after_field = fields.iter().any(|field| {
        let mut parts = code.split(field).skip(1);
        parts.any(|rest| starts_with_comparison(rest.trim_start()))
    });
    let whole = ["Version {", "Version::new("].iter().any(|version| {
        let before = code.split(version).next().unwrap_or_default().trim_end();
        code.contains(version)
            && ["<", ">", "<=", ">=", "=="]
                .iter()
                .any(|op| before.ends_with(op))
    });
    after_field || whole
}

fn starts_with_comparison(rest: &str) -> bool {
    let rest = rest.strip_prefix("()").unwrap_or(rest).trim_start();
    let operators = ["<", ">", "==", "!="];
    // `<-` and `->` never follow a field, and `<<` shifts.
    operators.iter().any(|operator| rest.starts_with(operator)) && !rest.starts_with("<<")
}

fn may_compare_versions(name: &str) -> bool {
    name.starts_with(VERSIONS) || DEVELOPMENT.iter().any(|folder| name.starts_with(folder))
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(name: &str, text: &str) -> usize {
        check_file(name, text).len()
    }

    #[test]
    fn versions_are_compared_in_one_crate() {
        let line = "if version.minor >= 12 {";
        assert_eq!(messages("crates/walker/src/x.rs", line), 1);
        assert_eq!(messages("crates/cpython/src/x.rs", line), 0);
        assert_eq!(
            messages("crates/walker/src/x.rs", "version == Version::new(3, 12)"),
            1
        );
        assert_eq!(
            messages("crates/walker/src/x.rs", "print(version.minor)"),
            0
        );
        assert_eq!(
            messages("crates/walker/src/x.rs", "// version.minor > 3"),
            0
        );
    }

    #[test]
    fn one_crate_may_hold_it() {
        let line = concat!("let x = uns", "afe { read() };");
        assert_eq!(messages("crates/walker/src/x.rs", line), 1);
        assert_eq!(messages("crates/tracee/src/x.rs", line), 0);
    }

    #[test]
    fn every_crate_says_what_it_is() {
        assert_eq!(messages("crates/walker/src/lib.rs", "mod x;"), 1);
        assert_eq!(
            messages("crates/walker/src/lib.rs", "//! Walks.\nmod x;"),
            0
        );
    }
}
