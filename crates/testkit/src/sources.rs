//! Where program files of interpreters are looked for.

use crate::cache::gathered_folder;
use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// More interpreters, separated by colons.
pub(crate) const VARIABLE: &str = "EXUVIA_PYTHONS";

/// Those in `$EXUVIA_PYTHONS`.
pub(crate) fn requested() -> Vec<PathBuf> {
    let Some(list) = env::var_os(VARIABLE) else {
        return Vec::new();
    };
    env::split_paths(&list)
        .filter(|path| !path.as_os_str().is_empty())
        .collect()
}

/// Whatever else there is, each file once: pyenv's, the system's, and those that
/// `cargo xtask pythons` has gathered.
pub(crate) fn found() -> Vec<PathBuf> {
    let mut programs = pyenv();
    for folder in ["/usr/bin", "/usr/local/bin"] {
        programs.extend(pythons_in(Path::new(folder)));
    }
    programs.extend(gathered());
    // Many have several names, by symbolic links or by others.
    let mut seen = BTreeSet::new();
    programs.retain(|program| {
        let file = fs::metadata(program);
        file.is_ok_and(|file| seen.insert((file.dev(), file.ino())))
    });
    // Whatever comes first on the search path.
    programs.push(PathBuf::from("python3"));
    programs
}

/// Where pyenv keeps its versions.
pub(crate) fn pyenv_versions() -> Option<PathBuf> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(env::home_dir()?.join(".pyenv")))?;
    Some(root.join("versions"))
}

fn pyenv() -> Vec<PathBuf> {
    let versions = pyenv_versions().map(|versions| entries(&versions));
    versions
        .into_iter()
        .flatten()
        .map(|version| version.join("bin/python3"))
        .filter(|program| program.exists())
        .collect()
}

fn gathered() -> Vec<PathBuf> {
    let Ok(folder) = gathered_folder() else {
        return Vec::new();
    };
    let mut programs = Vec::new();
    for folder in entries(&folder) {
        let name = folder.file_name().and_then(OsStr::to_str);
        if name.is_some_and(|name| !name.starts_with('.')) {
            programs.extend(pythons_in(&folder.join("usr/bin")));
            programs.extend(pythons_in(&folder.join("bin")));
        }
    }
    programs
}

/// `python3`, `python3.12`, `python3.13d` and `python3.13t`, but not `python3-config`.
fn pythons_in(folder: &Path) -> Vec<PathBuf> {
    let is_python = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str);
        let rest = name.and_then(|name| name.strip_prefix("python3"));
        let version = rest.map(|rest| rest.trim_end_matches(['d', 't']));
        version.is_some_and(|rest| rest.chars().all(|c| c == '.' || c.is_ascii_digit()))
    };
    entries(folder).into_iter().filter(is_python).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_are_told_from_tools_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let pythons = ["python3", "python3.13", "python3.13d", "python3.13t"];
        let others = ["python3-config", "python3.13-gdb.py", "pydoc3"];
        for name in pythons.iter().chain(&others) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = pythons_in(folder.path());
        let names: Vec<_> = found.iter().filter_map(|path| path.file_name()).collect();
        assert_eq!(names, pythons);
    }
}
