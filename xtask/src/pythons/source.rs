//! Source packages of Debian.

use super::cache::{Cache, Staging};
use super::commands::{apt_in, tool, tool_in};
use super::roots::clean;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// The roots whose package manager may load them, the best first.
const ROOTS: &[&str] = &["debian-trixie", "debian-sid"];

/// What is wanted of a source package.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// The program as Debian builds it.
    Patched,
    /// What its authors have released. Mirrors have it more often than the rest, which changes.
    Released,
}

/// Loads and unpacks a source package. Gives the folder.
pub(super) fn unpack(
    cache: &Cache,
    staging: &Staging,
    package: &str,
    parts: Parts,
) -> Result<PathBuf> {
    let mut failure = None;
    for root in ROOTS {
        if cache.has(root) {
            match unpack_by(&cache.path(root), staging, package, parts) {
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

fn unpack_by(root: &Path, staging: &Staging, package: &str, parts: Parts) -> Result<PathBuf> {
    let log = &staging.log;
    name_sources(root)?;
    log.run(apt_in(root).arg("update"))?;
    let folder = tempfile::tempdir_in(root.join("tmp"))?;
    let name = folder.path().file_name().context("a folder has a name")?;
    let mut load = tool_in(root, "env");
    load.arg("--chdir").arg(Path::new("/tmp").join(name));
    load.args(["apt-get", "source", "--download-only"]);
    if parts == Parts::Released {
        load.arg("--tar-only");
    }
    // Roots of a container may have no user to load as who may write there.
    load.args(["--option", "APT::Sandbox::User=root", package]);
    log.run(&mut load)?;
    clean(root, staging)?;

    let unpacked = staging.work.join(package);
    // Check sums were compared when it was loaded.
    let mut unpack = match parts {
        Parts::Patched => {
            let mut unpack = tool("dpkg-source");
            unpack
                .args(["--no-check", "--extract"])
                .arg(loaded(folder.path(), ".dsc")?)
                .arg(&unpacked);
            unpack
        }
        Parts::Released => {
            fs::create_dir(&unpacked)?;
            let mut unpack = tool("tar");
            unpack
                .args(["--extract", "--strip-components=1", "--file"])
                .arg(loaded(folder.path(), ".orig.tar.")?)
                .arg("--directory")
                .arg(&unpacked);
            unpack
        }
    };
    log.run(&mut unpack)?;
    Ok(unpacked)
}

/// The file among those that were loaded whose name has this in it; not its signature.
fn loaded(folder: &Path, part: &str) -> Result<PathBuf> {
    fs::read_dir(folder)?
        .flatten()
        .find(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.contains(part) && !name.ends_with(".asc")
        })
        .map(|entry| entry.path())
        .with_context(|| format!("it came without a file {part}"))
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
