//! The types that CPython's headers define for a free-threaded build, as DWARF.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::builds::files;

/// Headers that only others may include.
const PARTIAL: &[&str] = &["pycore_crossinterp_data_registry.h"];

/// What stands in the place of other headers of the same name.
pub(super) struct Overlay<'a> {
    /// The folder `internal` of another release.
    pub(super) internal: &'a Path,
    /// Files and folders in it.
    pub(super) names: &'a [&'a str],
}

/// Compiles the headers in a folder such as `include/python3.14`, and returns the file with
/// their DWARF, in `work`. `system` is where headers of the platform are looked for last.
pub(super) fn compile(
    include: &Path,
    system: &Path,
    overlay: Option<&Overlay<'_>>,
    work: &Path,
) -> Result<PathBuf> {
    // Headers include others of their own folder, so an overlay needs a folder of links.
    let folder = work.join("include");
    fs::create_dir(&folder)?;
    for path in files(include)? {
        link(&path, &folder)?;
    }
    let internal = folder.join("internal");
    fs::remove_file(&internal)?;
    fs::create_dir(&internal)?;
    for path in files(&include.join("internal"))? {
        link(&path, &internal)?;
    }
    for name in overlay.iter().flat_map(|overlay| overlay.names) {
        fs::remove_file(internal.join(name))?;
    }
    if let Some(overlay) = overlay {
        for name in overlay.names {
            link(&overlay.internal.join(name), &internal)?;
        }
    }
    let source = work.join("headers.c");
    fs::write(&source, text(&internal)?)?;
    let output = work.join("headers.so");
    // Linked, so that the DWARF has no relocations; nothing of it ever runs.
    let compiled = Command::new("cc")
        .args(["-std=c11", "-g", "-shared", "-fPIC", "-nostdlib", "-w"])
        .arg("-fno-eliminate-unused-debug-types")
        .arg("-I")
        .arg(&folder)
        .arg("-I")
        .arg(&internal)
        .arg("-I")
        .arg(internal.join("mimalloc"))
        .arg("-idirafter")
        .arg(system)
        .arg(&source)
        .arg("-o")
        .arg(&output)
        .output()
        .context("can't run cc")?;
    if !compiled.status.success() {
        let errors = String::from_utf8_lossy(&compiled.stderr);
        bail!(
            "the headers in {} do not compile: {errors}",
            include.display()
        );
    }
    Ok(output)
}

/// A file that includes every header.
fn text(internal: &Path) -> Result<String> {
    // As a release is compiled: `assert` off, so that mimalloc has no checks either.
    let mut text = String::from(
        "#define NDEBUG 1\n#define Py_BUILD_CORE 1\n#define Py_GIL_DISABLED 1\n#include \"Python.h\"\n",
    );
    for path in files(internal)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".h") && !PARTIAL.contains(&&*name) {
            writeln!(text, "#include \"internal/{name}\"")?;
        }
    }
    Ok(text)
}

fn link(path: &Path, folder: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default();
    symlink(path, folder.join(name)).with_context(|| format!("can't link {}", path.display()))
}
