//! Builds that no distribution has, from Debian's source package.

use super::cache::{Cache, Staging};
use super::requirements::require;
use super::source::{self, Parts};
use super::{cpython, musl};
use anyhow::Result;

/// One build of CPython.
pub(super) struct Build {
    /// The name of its folder.
    pub(super) name: &'static str,
    make: fn(&Cache, &Staging) -> Result<()>,
}

pub(super) const ALL: &[Build] = &[
    Build {
        name: "cpython-3.13t",
        make: free_threaded,
    },
    Build {
        name: "cpython-3.13-musl",
        make: musl::make,
    },
];

/// The source package of all of them.
pub(super) const PACKAGE: &str = "python3.13";

/// What unpacking and compiling take.
const TOOLS: &[&str] = &["dpkg-dev", "gcc", "libc6-dev", "make", "pkg-config"];

/// The libraries that modules of the standard library are made of.
const LIBRARIES: &[&str] = &[
    "libbz2-dev",
    "libffi-dev",
    "liblzma-dev",
    "libncurses-dev",
    "libreadline-dev",
    "libsqlite3-dev",
    "libssl-dev",
    "uuid-dev",
    "zlib1g-dev",
];

impl Build {
    pub(super) fn make(&self, cache: &Cache, staging: &Staging) -> Result<()> {
        require(TOOLS, &staging.log)?;
        (self.make)(cache, staging)
    }
}

/// Without a GIL.
fn free_threaded(cache: &Cache, staging: &Staging) -> Result<()> {
    require(LIBRARIES, &staging.log)?;
    let source = source::unpack(cache, staging, PACKAGE, Parts::Patched)?;
    cpython::build(&source, staging, &["--disable-gil"], &[])
}
