use std::path::{Path, PathBuf};

use exuvia_memory::RemoteAddress;

use crate::elf::ElfFile;
use crate::symbols::{Image, file_name, images};
use crate::{MappedFiles, Mappings, Pid};

/// How the interpreter came into the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Linking {
    /// It is part of the program.
    Static,
    /// It is a library: `libpython3.12.so.1.0`, or one that embeds it.
    Shared,
}

/// The file that holds the interpreter, and where its fixed points are in memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PythonImage {
    /// The file, as the target sees it.
    pub file: PathBuf,
    /// How it is linked.
    pub linking: Linking,
    /// `_PyRuntime`.
    pub runtime: RemoteAddress,
    /// `Py_Version`: a word such as `0x030c01f0` (CPython 3.11 and later).
    pub py_version: Option<RemoteAddress>,
    /// Major and minor version, from names of files. For refusals in words, not for decisions.
    pub version_hint: Option<(u8, u8)>,
    /// Whether it is a debug build (`--with-pydebug`), whose state has more fields.
    pub is_debug: bool,
}

/// What only a debug build exports: a function that complains of negative reference counts,
/// from `Objects/object.c`; in every version from 3.8 on.
pub(crate) const OF_DEBUG_BUILDS: &str = "_Py_NegativeRefcount";

/// There is no interpreter that could be examined.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// No sign of Python.
    #[error("process {pid} ({executable}) is not a Python process")]
    NotPython {
        /// The process.
        pid: Pid,
        /// Its program.
        executable: String,
    },
    /// It is called Python, but has no `_PyRuntime`: older than 3.7, or another implementation.
    #[error("{} has no _PyRuntime{}", file.display(), version_text(*version_hint))]
    NoRuntime {
        /// The file that is called Python.
        file: PathBuf,
        /// Major and minor version, from names of files.
        version_hint: Option<(u8, u8)>,
    },
    /// Another implementation of Python, by the names of its files.
    #[error("{} is {name}, not CPython", file.display())]
    OtherImplementation {
        /// The file by which it was told.
        file: PathBuf,
        /// What it is.
        name: &'static str,
    },
    /// It is called Python, and could not be opened.
    #[error("cannot open {} of process {pid}", file.display())]
    Unreadable {
        /// The process.
        pid: Pid,
        /// The file that is called Python.
        file: PathBuf,
    },
}

impl PythonImage {
    /// Finds the interpreter in a target.
    pub fn locate(files: &dyn MappedFiles, mappings: &Mappings) -> Result<Self, LocateError> {
        let images = images(files, mappings);
        let version_hint = version_hint(&images);
        let mut suspect = None;
        for image in &images {
            let looks_like_python = is_python_name(&file_name(image.path));
            match image.open() {
                Some(elf) => {
                    if let Some(found) = found_in(image, &elf, version_hint) {
                        return Ok(found);
                    }
                    // Of a Python linked to a library, the program has no `_PyRuntime`.
                    if looks_like_python {
                        suspect = Some(LocateError::NoRuntime {
                            file: image.path.to_path_buf(),
                            version_hint,
                        });
                    }
                }
                None if looks_like_python => {
                    return Err(LocateError::Unreadable {
                        pid: files.pid(),
                        file: image.path.to_path_buf(),
                    });
                }
                None => {}
            }
        }
        if let Some(other) = images
            .iter()
            .find_map(|image| other_implementation(image.path))
        {
            return Err(other);
        }
        Err(suspect.unwrap_or_else(|| LocateError::NotPython {
            pid: files.pid(),
            executable: files
                .program()
                .map_or_else(|| files.short_name(), |path| path.display().to_string()),
        }))
    }

    /// Whether a file holds an interpreter.
    pub(crate) fn is_in(elf: &ElfFile) -> bool {
        fixed_points(elf).is_some()
    }
}

/// Where `_PyRuntime` and `Py_Version` are in a file.
fn fixed_points(elf: &ElfFile) -> Option<(u64, Option<u64>)> {
    let [runtime, py_version] = elf.symbols(["_PyRuntime", "Py_Version"]);
    // Since 3.10 it has a section of its own, which stays when the symbols are stripped.
    let runtime = runtime.or_else(|| elf.section(".PyRuntime"))?;
    Some((runtime, py_version))
}

fn found_in(image: &Image, elf: &ElfFile, hint: Option<(u8, u8)>) -> Option<PythonImage> {
    let (runtime, py_version) = fixed_points(elf)?;
    Some(PythonImage {
        file: image.path.to_path_buf(),
        linking: if image.is_executable {
            Linking::Static
        } else {
            Linking::Shared
        },
        runtime: image.address(elf, runtime)?,
        py_version: py_version.and_then(|address| image.address(elf, address)),
        version_hint: hint,
        is_debug: elf.exports(OF_DEBUG_BUILDS),
    })
}

/// Files of other implementations, which some distributions start under the name `python`.
fn other_implementation(path: &Path) -> Option<LocateError> {
    const NAMES: [(&str, &str); 5] = [
        ("pypy", "PyPy"),
        ("libpypy", "PyPy"),
        ("graalpy", "GraalPy"),
        // The whole of GraalPy as a native image.
        ("libpythonvm", "GraalPy"),
        ("libgraalpy", "GraalPy"),
    ];
    let file_name = file_name(path);
    let (_, name) = NAMES
        .into_iter()
        .find(|(start, _)| file_name.starts_with(start))?;
    let file = path.to_path_buf();
    Some(LocateError::OtherImplementation { file, name })
}

/// Whether a file is called like an interpreter: `python3.11`, `libpython3.12.so.1.0`.
pub(crate) fn is_python_name(name: &str) -> bool {
    let name = name.strip_prefix("lib").unwrap_or(name);
    let Some(rest) = name.strip_prefix("python") else {
        return false;
    };
    rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()) || rest.starts_with('.')
}

/// The version in the names of mapped files: the interpreter's own first, then those of
/// directories and extension modules.
fn version_hint(images: &[Image]) -> Option<(u8, u8)> {
    let own = images
        .iter()
        .find_map(|image| version_in(&file_name(image.path)));
    own.or_else(|| images.iter().find_map(|image| version_in_path(image.path)))
}

pub(crate) fn version_in_path(path: &Path) -> Option<(u8, u8)> {
    let text = path.to_string_lossy();
    let part = text.split('/').rev().find_map(version_in);
    part.or_else(|| {
        let tag = text.split_once(".cpython-")?.1;
        let digits: String = tag.chars().take_while(char::is_ascii_digit).collect();
        Some((
            digits.get(..1)?.parse().ok()?,
            digits.get(1..)?.parse().ok()?,
        ))
    })
}

/// From `python3.11`, `libpython2.7.so.1.0`.
fn version_in(name: &str) -> Option<(u8, u8)> {
    let name = name.strip_prefix("lib").unwrap_or(name);
    let (major, rest) = name.strip_prefix("python")?.split_once('.')?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, digits.parse().ok()?))
}

fn version_text(version: Option<(u8, u8)>) -> String {
    version.map_or_else(String::new, |(major, minor)| {
        format!(" (Python {major}.{minor})")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names() {
        let version = |path| version_in_path(Path::new(path));
        assert_eq!(version("/usr/bin/python3.11"), Some((3, 11)));
        assert_eq!(
            version("/usr/lib/libpython2.7.so.1.0 (deleted)"),
            Some((2, 7))
        );
        assert_eq!(
            version("/opt/app/_json.cpython-39-x86_64-linux-gnu.so"),
            Some((3, 9))
        );
        assert_eq!(
            version("/opt/lib/python3.8/lib-dynload/_x.so"),
            Some((3, 8))
        );
        assert_eq!(version("/usr/bin/python3"), None);
    }

    #[test]
    fn other_implementations_are_told_by_their_files() {
        let text = |path| other_implementation(Path::new(path)).map(|error| error.to_string());
        let of = |file: &str, name: &str| Some(format!("{file} is {name}, not CPython"));
        for (file, name) in [
            ("/usr/lib/x86_64-linux-gnu/libpypy3.9-c.so", "PyPy"),
            ("/opt/pypy/bin/pypy3.10", "PyPy"),
            ("/opt/graalpy/bin/graalpy", "GraalPy"),
            ("/opt/graalpy/lib/libpythonvm.so", "GraalPy"),
        ] {
            assert_eq!(text(file), of(file, name));
        }
        assert_eq!(text("/usr/lib/libpython3.12.so.1.0"), None);
        assert_eq!(text("/usr/bin/python3"), None);
    }

    #[test]
    fn only_interpreters_are_called_python() {
        assert!(is_python_name("python"));
        assert!(is_python_name("python3"));
        assert!(is_python_name("libpython3.12.so.1.0"));
        assert!(!is_python_name("pythonista"));
        assert!(!is_python_name("libc.so.6"));
    }
}
