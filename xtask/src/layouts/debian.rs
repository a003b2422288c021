//! Debian's builds: programs without DWARF, which lies in files of the packages
//! `python3.X-dbg`, found by build-id.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use exuvia_cpython::Version;
use object::{Object, ObjectSection, ObjectSymbol};

use super::builds::files;
use super::dwarf::Image;

/// The series whose tables come from Debian. Its unstable release moves on, so the micro
/// version is that of the build at hand.
pub(super) const SERIES: &[(u8, u8)] = &[(3, 14), (3, 15)];

/// The series whose tables get variants from Debian: a later release than pyenv's.
const VARIANTS: &[(u8, u8)] = &[(3, 13)];

/// Modules whose debug files the packages leave out.
const WITHOUT_DWARF: &[&str] = &["/_remote_debugging."];

/// The root of a Debian system, when not in the cache.
const VARIABLE: &str = "EXUVIA_DEBIAN_SID";

/// A CPython in the root of a Debian system.
#[derive(Debug, Clone)]
pub(super) struct Debian {
    pub(super) version: Version,
    pub(super) root: PathBuf,
}

/// Those of the wanted series that the root has; says which it lacks.
pub(super) fn find() -> Result<Vec<Debian>> {
    find_series(SERIES)
}

/// Those that make variants of the tables of other builds.
pub(super) fn find_variants() -> Result<Vec<Debian>> {
    find_series(VARIANTS)
}

fn find_series(series: &[(u8, u8)]) -> Result<Vec<Debian>> {
    let root = root()?;
    let mut found = Vec::new();
    for &(major, minor) in series {
        let program = root.join(format!("usr/bin/python{major}.{minor}"));
        if !program.is_file() {
            eprintln!(
                "no CPython {major}.{minor} in {}: its table stays",
                root.display()
            );
            continue;
        }
        let version = version_of(&program)
            .with_context(|| format!("{} does not say its version", program.display()))?;
        found.push(Debian {
            version,
            root: root.clone(),
        });
    }
    Ok(found)
}

impl Debian {
    /// The types of the program and of the extension modules beside it.
    pub(super) fn image(&self) -> Result<Image> {
        let series = format!("{}.{}", self.version.major, self.version.minor);
        let tag = format!("cpython-{}{}-", self.version.major, self.version.minor);
        let mut image = Image::default();
        self.add(&self.program(), &mut image)?;
        let modules = self
            .root
            .join(format!("usr/lib/python{series}/lib-dynload"));
        for path in files(&modules)? {
            // Those of the debug build lie there too, under another tag.
            let name = path.to_string_lossy();
            if !name.contains(&tag) {
                continue;
            }
            if WITHOUT_DWARF.iter().any(|module| name.contains(module)) {
                eprintln!("{name}: Debian ships no DWARF of it");
                continue;
            }
            self.add(&path, &mut image)?;
        }
        Ok(image)
    }

    /// The file with the DWARF of the program.
    pub(super) fn main(&self) -> Result<PathBuf> {
        self.debug_file(&self.program())
    }

    fn program(&self) -> PathBuf {
        let Version { major, minor, .. } = self.version;
        self.root.join(format!("usr/bin/python{major}.{minor}"))
    }

    fn add(&self, program: &Path, image: &mut Image) -> Result<()> {
        let debug = self.debug_file(program)?;
        if !image.add_file(&debug)? {
            bail!("{} has no DWARF", debug.display());
        }
        Ok(())
    }

    /// The file with the DWARF of a program or module.
    fn debug_file(&self, program: &Path) -> Result<PathBuf> {
        let bytes =
            fs::read(program).with_context(|| format!("can't read {}", program.display()))?;
        let file = object::File::parse(&*bytes)
            .with_context(|| format!("{} is not an object file", program.display()))?;
        let id = file
            .build_id()?
            .with_context(|| format!("{} has no build-id", program.display()))?;
        let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let (folder, name) = hex.split_at(2);
        let path = format!("usr/lib/debug/.build-id/{folder}/{name}.debug");
        let path = self.root.join(path);
        if !path.is_file() {
            bail!(
                "no {}, the DWARF of {}\nhint: install python3.X-dbg in that root",
                path.display(),
                program.display()
            );
        }
        Ok(path)
    }
}

fn root() -> Result<PathBuf> {
    if let Some(root) = env::var_os(VARIABLE) {
        return Ok(root.into());
    }
    Ok(exuvia_testkit::gathered_folder()?.join("debian-sid"))
}

/// What stands at `Py_Version`: a root is not always one whose programs can be run.
fn version_of(program: &Path) -> Result<Version> {
    let bytes = fs::read(program)?;
    let file = object::File::parse(&*bytes)?;
    let symbol = file
        .dynamic_symbols()
        .find(|symbol| symbol.name() == Ok("Py_Version"))
        .context("no symbol Py_Version")?;
    let word = file
        .sections()
        .find_map(|section| section.data_range(symbol.address(), 4).ok().flatten())
        .and_then(|bytes| bytes.try_into().ok())
        .context("Py_Version lies in no section")?;
    Version::from_hex(u32::from_le_bytes(word)).context("Py_Version is no version")
}
