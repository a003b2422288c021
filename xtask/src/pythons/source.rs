//! Source packages of Debian.

use super::cache::{Cache, Staging};
use super::commands::{apt_in, tool, tool_in};
use super::roots::clean;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// The roots whose package manager may load them, the best first.
const ROOTS: &[&str] = &["debian-trixie", "debian-sid"];

/// Loads and unpacks a source package, with Debian's patches. Gives the folder.
pub(super) fn unpack(cache: &Cache, staging: &Staging, package: &str) -> Result<PathBuf> {
    let mut failure = None;
    for root in ROOTS {
        if cache.has(root) {
            match unpack_by(&cache.path(root), staging, package) {
                Err(error) => failure = Some(error),
                done => return done,
            }
        }
    }
    match failure {
        Some(error) => Err(error),
        None => bail!("{} is needed to load its source", ROOTS.join(" or ")),
    }
}

fn unpack_by(root: &Path, staging: &Staging, package: &str) -> Result<PathBuf> {
    let log = &staging.log;
    name_sources(root)?;
    log.run(apt_in(root).arg("update"))?;
    let folder = tempfile::tempdir_in(root.join("tmp"))?;
    let name = folder.path().file_name().context("a folder has a name")?;
    let mut load = tool_in(root, "env");
    load.arg("--chdir").arg(Path::new("/tmp").join(name));
    load.args(["apt-get", "source", "--download-only"]);
    // Roots of a container may have no user to load as who may write there.
    load.args(["--option", "APT::Sandbox::User=root", package]);
    log.run(&mut load)?;
    clean(root, staging)?;

    let description = fs::read_dir(folder.path())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension() == Some(OsStr::new("dsc")))
        .with_context(|| format!("{package} came without its description"))?;
    let unpacked = staging.work.join(package);
    let mut unpack = tool("dpkg-source");
    // Its check sums were compared when it was loaded.
    unpack
        .args(["--no-check", "--extract"])
        .arg(description)
        .arg(&unpacked);
    log.run(&mut unpack)?;
    Ok(unpacked)
}

/// Makes the package manager of a root look for sources where it looks for packages.
fn name_sources(root: &Path) -> Result<()> {
    let sources = root.join("etc/apt/sources.list");
    let text = fs::read_to_string(&sources).with_context(|| sources.display().to_string())?;
    let lines = text.lines().filter_map(|line| line.strip_prefix("deb "));
    let text: String = lines.map(|rest| format!("deb-src {rest}\n")).collect();
    Ok(fs::write(
        root.join("etc/apt/sources.list.d/source.list"),
        text,
    )?)
}
