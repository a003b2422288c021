//! Free-threaded builds, which no distribution ships: those that the project builds itself.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use exuvia_cpython::Version;

use super::builds::files;
use super::dwarf::Image;

/// The releases whose DWARF the tables come from.
const BUILT: &[Version] = &[Version::new(3, 13, 5)];

/// A free-threaded CPython.
#[derive(Debug)]
pub(super) struct FreeThreaded {
    pub(super) version: Version,
    pub(super) prefix: PathBuf,
}

/// How many tables there are to write when every build is at hand.
pub(super) const fn count() -> usize {
    BUILT.len()
}

/// Those in the cache of interpreters; says which it lacks.
pub(super) fn find() -> Vec<FreeThreaded> {
    let mut found = Vec::new();
    for &version in BUILT {
        let prefix = cache_root().join(format!("cpython-{}.{}t", version.major, version.minor));
        if let Some(build) = at(&prefix) {
            found.push(build);
        } else {
            eprintln!(
                "no free-threaded CPython {version} at {}: its table stays",
                prefix.display()
            );
        }
    }
    found
}

/// The free-threaded build under a prefix, if there is one.
pub(super) fn at(prefix: &Path) -> Option<FreeThreaded> {
    let version = *BUILT.iter().find(|version| {
        let program = format!("bin/python{}.{}t", version.major, version.minor);
        prefix.join(program).is_file()
    })?;
    Some(FreeThreaded {
        version,
        prefix: prefix.to_owned(),
    })
}

impl FreeThreaded {
    /// The types of the program, or of libpython, and of the extension modules of the
    /// standard library.
    pub(super) fn image(&self) -> Result<Image> {
        let mut main = self.library();
        let abi = self.abi();
        if !main.exists() {
            main = self.prefix.join(format!("bin/python{abi}"));
        }
        let mut image = Image::default();
        if !image.add_file(&main)? {
            bail!("{} has no DWARF; it must be built with -g", main.display());
        }
        let modules = self.prefix.join(format!("lib/python{abi}/lib-dynload"));
        for path in files(&modules)? {
            if path.extension().is_some_and(|extension| extension == "so") {
                image.add_file(&path)?;
            }
        }
        Ok(image)
    }

    /// How the program is linked.
    pub(super) fn linking(&self) -> &'static str {
        if self.library().exists() {
            "shared libpython"
        } else {
            "static"
        }
    }

    fn library(&self) -> PathBuf {
        let name = format!("lib/libpython{}.so.1.0", self.abi());
        self.prefix.join(name)
    }

    /// `3.13t`, which its files are named after.
    fn abi(&self) -> String {
        format!("{}.{}t", self.version.major, self.version.minor)
    }
}

fn cache_root() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    cache.join("exuvia/pythons")
}
