//! Which crate may use which.

use super::Finding;
use crate::cargo;
use anyhow::{Result, ensure};
use serde::Deserialize;

/// Each crate with the crates of this workspace that it may use, as ARCHITECTURE.md has them.
/// Tests may use everything.
const ALLOWED: &[(&str, &[&str])] = &[
    ("exuvia-memory", &[]),
    ("exuvia-tracee", &["exuvia-memory"]),
    ("exuvia-cpython", &["exuvia-memory"]),
    (
        "exuvia-walker",
        &["exuvia-memory", "exuvia-cpython", "exuvia-snapshot"],
    ),
    (
        "exuvia-inject",
        &["exuvia-memory", "exuvia-tracee", "exuvia-cpython"],
    ),
    ("exuvia-snapshot", &[]),
    ("exuvia-graph", &["exuvia-snapshot"]),
    ("exuvia-query", &["exuvia-snapshot", "exuvia-graph"]),
    (
        "exuvia",
        &[
            "exuvia-memory",
            "exuvia-tracee",
            "exuvia-cpython",
            "exuvia-inject",
            "exuvia-walker",
            "exuvia-snapshot",
            "exuvia-graph",
            "exuvia-query",
        ],
    ),
    ("exuvia-synth", &["exuvia-memory"]),
    ("exuvia-testkit", &["exuvia-cpython", "exuvia-snapshot"]),
    ("xtask", &["exuvia-cpython", "exuvia-testkit"]),
];

/// What `cargo metadata` says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// None for an ordinary dependency.
    kind: Option<String>,
    /// Only crates of the workspace have one.
    path: Option<String>,
}

pub(super) fn check() -> Result<Vec<Finding>> {
    let output = cargo::command(["metadata", "--no-deps", "--format-version=1"]).output()?;
    ensure!(output.status.success(), "cargo metadata: {}", output.status);
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    Ok(metadata.packages.iter().flat_map(check_package).collect())
}

fn check_package(package: &Package) -> Vec<Finding> {
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
        let message = "not in the table of allowed dependencies (xtask/src/tidy/dependencies.rs)";
        return vec![Finding::error(&package.name, message)];
    };
    let used = package.dependencies.iter().filter(|dependency| {
        dependency.path.is_some() && dependency.kind.as_deref() != Some("dev")
    });
    used.filter(|dependency| !allowed.contains(&dependency.name.as_str()))
        .map(|dependency| {
            let message = format!("may not use {}", dependency.name);
            Finding::error(&package.name, message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependency: &str, kind: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            dependencies: vec![Dependency {
                name: dependency.to_owned(),
                kind: kind.map(str::to_owned),
                path: Some("/somewhere".to_owned()),
            }],
        }
    }

    #[test]
    fn only_what_the_table_allows_passes() {
        assert!(check_package(&package("exuvia-walker", "exuvia-cpython", None)).is_empty());
        let upward = check_package(&package("exuvia-snapshot", "exuvia-graph", None));
        assert_eq!(
            upward,
            [Finding::error(
                "exuvia-snapshot",
                "may not use exuvia-graph"
            )]
        );
    }

    #[test]
    fn tests_may_use_everything() {
        let tests = package("exuvia-graph", "exuvia-query", Some("dev"));
        assert!(check_package(&tests).is_empty());
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        assert_eq!(
            check_package(&package("new", "exuvia-query", None)).len(),
            1
        );
    }
}
