//! Free-threaded builds, which no distribution ships: one that the project builds itself, and
//! others of which only the headers are at hand.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use exuvia_cpython::Version;

use super::builds::files;
use super::debian::{self, Debian};
use super::dwarf::Image;
use super::headers::{self, Overlay};

/// The release that the project builds.
const BUILT: Version = Version::new(3, 13, 5);

/// The releases from which on a series has mimalloc 2.5.2; before, it has that of 3.13.
const NEW_MIMALLOC: &[Version] = &[Version::new(3, 14, 10), Version::new(3, 15, 2)];

/// The headers that came with the other version of mimalloc.
const MIMALLOC: &[&str] = &["mimalloc", "pycore_mimalloc.h"];

/// A free-threaded CPython.
#[derive(Debug)]
pub(super) struct FreeThreaded {
    pub(super) version: Version,
    source: Source,
}

/// Where its structs come from.
#[derive(Debug)]
enum Source {
    /// A build under a prefix.
    Built(PathBuf),
    /// The headers of a build with an interpreter lock, and the DWARF of that.
    Headers {
        debian: Debian,
        /// The prefix from which an older mimalloc is taken.
        mimalloc: Option<PathBuf>,
        /// The first release that looks like this.
        since: Version,
    },
}

/// How many tables there are to write when every build is at hand.
pub(super) const fn count() -> usize {
    1 + 2 * NEW_MIMALLOC.len()
}

/// Those in the folder of gathered interpreters; says which it lacks.
pub(super) fn find() -> Result<Vec<FreeThreaded>> {
    let prefix = built_prefix()?;
    let Some(built) = at(&prefix) else {
        eprintln!(
            "no free-threaded CPython {BUILT} at {}: its table and those of later ones stay",
            prefix.display()
        );
        return Ok(Vec::new());
    };
    let mut found = vec![built];
    for debian in debian::find()? {
        let release = NEW_MIMALLOC
            .iter()
            .find(|version| version.same_series(debian.version));
        let Some(&release) = release.filter(|&&release| release <= debian.version) else {
            eprintln!("no free-threaded tables from CPython {}", debian.version);
            continue;
        };
        if !include(&debian).is_dir() {
            eprintln!(
                "no {}: the free-threaded tables of {} stay",
                include(&debian).display(),
                debian.version
            );
            continue;
        }
        let first = Version::new(release.major, release.minor, 0);
        for (since, mimalloc) in [(first, Some(prefix.clone())), (release, None)] {
            found.push(FreeThreaded {
                version: debian.version,
                source: Source::Headers {
                    debian: debian.clone(),
                    mimalloc,
                    since,
                },
            });
        }
    }
    Ok(found)
}

/// The free-threaded build under a prefix, if there is one.
pub(super) fn at(prefix: &Path) -> Option<FreeThreaded> {
    let program = format!("bin/python{}.{}t", BUILT.major, BUILT.minor);
    prefix.join(program).is_file().then(|| FreeThreaded {
        version: BUILT,
        source: Source::Built(prefix.to_owned()),
    })
}

/// What the rules of [`relayout`](super::relayout) make of the structs of [`BUILT`] from a
/// build of the same release with an interpreter lock; none when that is not at hand.
pub(super) fn computed() -> Result<Option<Image>> {
    let with_lock = exuvia_testkit::gathered_folder()?.join("cpython-3.13-musl");
    let prefix = built_prefix()?;
    if !with_lock.is_dir() || at(&prefix).is_none() {
        return Ok(None);
    }
    let series = format!("{}.{}", BUILT.major, BUILT.minor);
    let image = image_of_prefix(&with_lock, &series)?;
    let include = prefix.join(format!("include/python{series}t"));
    let work = tempfile::tempdir()?;
    let headers = headers::compile(&include, Path::new("/usr/include"), None, work.path())?;
    Ok(Some(image.free_threaded(&headers)?.0))
}

impl FreeThreaded {
    pub(super) fn image(&self) -> Result<Image> {
        match &self.source {
            Source::Built(prefix) => image_of_prefix(prefix, &format!("{}t", self.series())),
            Source::Headers {
                debian, mimalloc, ..
            } => {
                let internal = mimalloc.as_ref().map(|prefix| {
                    prefix.join(format!(
                        "include/python{}.{}t/internal",
                        BUILT.major, BUILT.minor
                    ))
                });
                let overlay = internal.as_ref().map(|internal| Overlay {
                    internal,
                    names: MIMALLOC,
                });
                let work = tempfile::tempdir()?;
                let system = debian.root.join("usr/include");
                let include = include(debian);
                let headers = headers::compile(&include, &system, overlay.as_ref(), work.path())?;
                let (image, left_out) = debian.image()?.free_threaded(&headers)?;
                let left_out: Vec<_> = left_out.into_iter().collect();
                eprintln!("left out, packed or aligned: {}", left_out.join(", "));
                Ok(image)
            }
        }
    }

    /// The file with most of its DWARF.
    pub(super) fn main(&self) -> Result<PathBuf> {
        match &self.source {
            Source::Built(prefix) => Ok(prefix.join(format!("bin/python{}t", self.series()))),
            Source::Headers { debian, .. } => debian.main(),
        }
    }

    /// Whether there is a program, and not only its headers.
    pub(super) fn is_built(&self) -> bool {
        matches!(self.source, Source::Built(_))
    }

    /// What its table is named after: the first release that it is for.
    pub(super) fn since(&self) -> String {
        match &self.source {
            Source::Headers { since, .. } if since.micro > 0 => since.to_string(),
            _ => self.series(),
        }
    }

    /// What the table says of its origin.
    pub(super) fn origin(&self) -> String {
        let version = self.version;
        match &self.source {
            Source::Built(_) => {
                format!("DWARF of CPython {version}, x86-64 Linux, free-threaded, static")
            }
            Source::Headers { mimalloc: None, .. } => format!(
                "headers of CPython {version}, and DWARF of Debian's build with an interpreter \
                 lock, laid out for one without; never run"
            ),
            Source::Headers { .. } => format!(
                "headers of CPython {version} with those of mimalloc of CPython {BUILT}, and DWARF \
                 of Debian's build with an interpreter lock, laid out for one without; never run"
            ),
        }
    }

    fn series(&self) -> String {
        format!("{}.{}", self.version.major, self.version.minor)
    }
}

fn built_prefix() -> Result<PathBuf> {
    let name = format!("cpython-{}.{}t", BUILT.major, BUILT.minor);
    Ok(exuvia_testkit::gathered_folder()?.join(name))
}

fn include(debian: &Debian) -> PathBuf {
    let version = debian.version;
    let name = format!("usr/include/python{}.{}", version.major, version.minor);
    debian.root.join(name)
}

/// The types of a static program and of the extension modules of its standard library.
fn image_of_prefix(prefix: &Path, abi: &str) -> Result<Image> {
    let program = prefix.join(format!("bin/python{abi}"));
    let mut image = Image::default();
    if !image.add_file(&program)? {
        bail!(
            "{} has no DWARF; it must be built with -g",
            program.display()
        );
    }
    for path in files(&prefix.join(format!("lib/python{abi}/lib-dynload")))? {
        if path.extension().is_some_and(|extension| extension == "so") {
            image.add_file(&path)?;
        }
    }
    Ok(image)
}
