//! `cargo xtask pythons`: gathers the interpreters that the tests run in.
//!
//! pyenv's and the system's are taken as they are. Others are made, once, in a folder outside
//! of the checkout (`$EXUVIA_CACHE`, else `~/.cache/exuvia`, and there `pythons`): whole Debian
//! systems, whose interpreters are started by `chroot`, and builds of Debian's source package
//! that no distribution has. To make one anew, delete its folder.
//!
//! What can't be had is not an error, but it is said, and counted as not tested.

mod builds;
mod cache;
mod commands;
mod cpython;
mod musl;
mod requirements;
mod roots;
mod source;
mod wanted;

use anyhow::Result;
use cache::Cache;
use std::time::Instant;
pub(crate) use wanted::Missing;

/// Gathers them, and says which there are and which are missing.
pub(crate) fn run() -> Result<()> {
    gather().map(drop)
}

/// Makes what is not there yet. The interpreters that are missing after that, each with its
/// reason.
pub(crate) fn gather() -> Result<Vec<Missing>> {
    let cache = Cache::open()?;
    eprintln!("== interpreters, gathered in {}", cache.folder().display());
    let mut failures = Vec::new();
    for root in roots::ALL {
        make(&cache, root.name, &mut failures, |staging| {
            root.make(staging)
        });
    }
    for build in builds::ALL {
        make(&cache, build.name, &mut failures, |staging| {
            build.make(&cache, staging)
        });
    }
    drop(cache);
    let found = exuvia_testkit::interpreters()?;
    for interpreter in &found {
        let verdict = if interpreter.is_supported() {
            "supported"
        } else {
            "refused"
        };
        eprintln!("{verdict:>10}: {interpreter}");
    }
    let missing = wanted::missing(&found, &failures);
    for one in &missing {
        eprintln!("not tested: {one}");
    }
    eprintln!("{} interpreters, {} not tested", found.len(), missing.len());
    Ok(missing)
}

/// Why a folder could not be made.
struct Failure {
    folder: &'static str,
    reason: String,
}

/// Makes one folder, unless it is there; says how long that took, or what went wrong.
fn make(
    cache: &Cache,
    name: &'static str,
    failures: &mut Vec<Failure>,
    make: impl FnOnce(&cache::Staging) -> Result<()>,
) {
    if cache.has(name) {
        return;
    }
    eprintln!("making {name}");
    let begun = Instant::now();
    match cache.make(name, make) {
        Ok(()) => eprintln!("made {name} in {:.0?}", begun.elapsed()),
        Err(error) => {
            eprintln!("no {name}: {error:#}");
            failures.push(Failure {
                folder: name,
                reason: format!("{error:#}"),
            });
        }
    }
}
