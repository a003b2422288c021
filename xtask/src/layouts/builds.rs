//! The CPython builds whose DWARF the tables come from.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use exuvia_cpython::{Flavor, Version};

use super::debian::{self, Debian};
use super::dwarf::{Image, has_dwarf};
use super::free_threaded::{self, FreeThreaded};

/// One build of pyenv's per table: what its series looks like does not change between
/// releases, except where validation at run time finds it.
pub(super) const ALL: &[Version] = &[
    Version::new(3, 8, 18),
    Version::new(3, 9, 18),
    Version::new(3, 10, 13),
    Version::new(3, 11, 7),
    Version::new(3, 12, 1),
    Version::new(3, 13, 0),
];

/// An installation of CPython with DWARF.
#[derive(Debug)]
pub(super) struct Build {
    pub(super) version: Version,
    files: Files,
}

/// Where its files are.
#[derive(Debug)]
enum Files {
    /// Under a prefix, each with its DWARF in itself.
    Prefix(PathBuf),
    /// In the root of a Debian system, with the DWARF in files of their own.
    Debian(Debian),
    /// Under a prefix, without an interpreter lock.
    FreeThreaded(FreeThreaded),
}

/// How many tables there are to write when every build is at hand.
pub(super) fn count() -> usize {
    ALL.len() + debian::SERIES.len() + free_threaded::count()
}

/// The builds found under the prefixes given, or else among pyenv's versions and in the
/// cached root of Debian.
pub(super) fn find(prefixes: &[PathBuf]) -> Result<Vec<Build>> {
    let mut builds = Vec::new();
    if prefixes.is_empty() {
        let root = pyenv_root();
        for &version in ALL {
            let prefix = root.join("versions").join(version.to_string());
            if prefix.is_dir() {
                let files = Files::Prefix(prefix);
                builds.push(Build { version, files });
            } else {
                eprintln!(
                    "no CPython {version} in {}: its table stays",
                    root.display()
                );
            }
        }
        for debian in debian::find()? {
            builds.push(Build {
                version: debian.version,
                files: Files::Debian(debian),
            });
        }
        builds.extend(free_threaded::find()?.into_iter().map(Build::free_threaded));
        return Ok(builds);
    }
    for prefix in prefixes {
        if let Some(build) = free_threaded::at(prefix) {
            builds.push(Build::free_threaded(build));
            continue;
        }
        let version = version_of(prefix)?;
        let Some(&version) = ALL.iter().find(|known| known.same_series(version)) else {
            bail!("CPython {version} in {} has no table", prefix.display());
        };
        builds.push(Build {
            version,
            files: Files::Prefix(prefix.clone()),
        });
    }
    Ok(builds)
}

impl Build {
    /// Other builds of its series, in which some structs have other sizes: pyenv's 3.13 is the
    /// first release, Debian has later ones. None when one of them is not at hand.
    pub(super) fn variants(&self) -> Result<Option<Vec<Self>>> {
        let prefix = exuvia_testkit::gathered_folder()?.join("cpython-3.13-musl");
        if self.series() != "3.13" || self.flavor() == Flavor::FreeThreaded {
            return Ok(Some(Vec::new()));
        }
        let mut later = debian::find_variants()?.into_iter();
        let (Some(debian), true) = (later.next(), prefix.is_dir()) else {
            eprintln!("`cargo xtask pythons` gathers later releases of 3.13: its table stays");
            return Ok(None);
        };
        let stable = Self {
            version: version_of(&prefix)?,
            files: Files::Prefix(prefix),
        };
        let unstable = Self {
            version: debian.version,
            files: Files::Debian(debian),
        };
        Ok(Some(vec![stable, unstable]))
    }

    fn free_threaded(build: FreeThreaded) -> Self {
        Self {
            version: build.version,
            files: Files::FreeThreaded(build),
        }
    }

    /// Whether its structs prove what those of later free-threaded builds are computed by.
    pub(super) fn is_proof(&self) -> bool {
        matches!(&self.files, Files::FreeThreaded(build) if build.is_built())
    }

    /// With or without an interpreter lock.
    pub(super) fn flavor(&self) -> Flavor {
        match &self.files {
            Files::Prefix(_) | Files::Debian(_) => Flavor::Gil,
            Files::FreeThreaded(_) => Flavor::FreeThreaded,
        }
    }

    /// The name of its table.
    pub(super) fn file_name(&self) -> String {
        let since = match &self.files {
            Files::FreeThreaded(build) => build.since(),
            Files::Prefix(_) | Files::Debian(_) => self.series(),
        };
        format!("{since}-{}.toml", self.flavor())
    }

    /// The series of its version: `3.12`.
    pub(super) fn series(&self) -> String {
        format!("{}.{}", self.version.major, self.version.minor)
    }

    /// What the table says of its origin.
    pub(super) fn source(&self) -> String {
        let linking = match &self.files {
            Files::Prefix(prefix) if prefix.ends_with("cpython-3.13-musl") => "static, with musl",
            Files::Prefix(_) => "shared libpython",
            Files::Debian(_) => "Debian's static build",
            Files::FreeThreaded(build) => return build.origin(),
        };
        format!("DWARF of CPython {}, x86-64 Linux, {linking}", self.version)
    }

    /// The types of libpython and of the extension modules of the standard library.
    pub(super) fn image(&self) -> Result<Image> {
        match &self.files {
            Files::Prefix(prefix) => self.image_of_prefix(prefix),
            Files::Debian(debian) => debian.image(),
            Files::FreeThreaded(build) => build.image(),
        }
    }

    /// Why its table can't be made, when its DWARF is not here.
    pub(super) fn missing_dwarf(&self) -> Option<String> {
        let main = match &self.files {
            Files::Prefix(prefix) => Ok(self.main_of_prefix(prefix)),
            Files::Debian(debian) => debian.main(),
            Files::FreeThreaded(build) => build.main(),
        };
        match main {
            Ok(main) if has_dwarf(&main) => None,
            Ok(main) => Some(format!("{} has no DWARF", main.display())),
            Err(missing) => Some(format!("{missing:#}")),
        }
    }

    /// The file with most of the code of an installation.
    fn main_of_prefix(&self, prefix: &Path) -> PathBuf {
        let series = self.series();
        let library = prefix.join(format!("lib/libpython{series}.so.1.0"));
        if library.exists() {
            library
        } else {
            prefix.join(format!("bin/python{series}"))
        }
    }

    fn image_of_prefix(&self, prefix: &Path) -> Result<Image> {
        let series = self.series();
        let library = prefix.join("lib");
        let mut image = Image::default();
        let main = self.main_of_prefix(prefix);
        if !image.add_file(&main)? {
            bail!("{} has no DWARF; it must be built with -g", main.display());
        }
        let modules = library.join(format!("python{series}/lib-dynload"));
        for path in files(&modules)? {
            if path.extension().is_some_and(|extension| extension == "so") {
                image.add_file(&path)?;
            }
        }
        Ok(image)
    }
}

pub(super) fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("can't read {}", directory.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

fn pyenv_root() -> PathBuf {
    if let Some(root) = env::var_os("PYENV_ROOT") {
        return root.into();
    }
    let answer = Command::new("pyenv").arg("root").output();
    if let Ok(answer) = answer
        && answer.status.success()
    {
        return PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
    }
    PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".pyenv")
}

/// The version that the interpreter of a prefix says it is.
fn version_of(prefix: &Path) -> Result<Version> {
    let python = prefix.join("bin/python3");
    let answer = Command::new(&python)
        .args(["-c", "import sys; print(sys.hexversion)"])
        .output()
        .with_context(|| format!("can't run {}", python.display()))?;
    let text = String::from_utf8_lossy(&answer.stdout);
    let hex = text.trim().parse().ok();
    hex.and_then(Version::from_hex)
        .with_context(|| format!("{} does not say its version", python.display()))
}
