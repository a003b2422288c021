//! Building CPython from its source.

use super::cache::Staging;
use super::commands::tool;
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

/// Configures, builds and installs an unpacked CPython, with debug information. `variables`
/// are those of its `configure`.
pub(super) fn build(
    source: &Path,
    staging: &Staging,
    options: &[&str],
    variables: &[String],
) -> Result<()> {
    let folder = staging.work.join("build");
    fs::create_dir(&folder)?;
    let mut configure = tool(&source.join("configure").to_string_lossy());
    configure
        .current_dir(&folder)
        .arg("--quiet")
        .arg(format!("--prefix={}", staging.destination.display()))
        .args(["--without-ensurepip", "--disable-test-modules", "CFLAGS=-g"])
        .args(options)
        .args(variables);
    staging.log.run(&mut configure)?;
    let jobs = available_parallelism()?.to_string();
    let mut make = tool("make");
    make.current_dir(&folder)
        .args(["--silent", "--jobs", &jobs]);
    staging.log.run(&mut make)?;

    let installed = staging.work.join("installed");
    let mut install = tool("make");
    install.current_dir(&folder).args(["--silent", "install"]);
    install.arg(format!("DESTDIR={}", installed.display()));
    staging.log.run(&mut install)?;
    // The path of the prefix below that folder.
    let prefix = staging
        .destination
        .strip_prefix("/")
        .unwrap_or(&staging.destination);
    Ok(fs::rename(installed.join(prefix), &staging.tree)?)
}
