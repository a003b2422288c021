//! The extension module `native_zoo`, compiled for an interpreter.

use crate::Interpreter;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles the module into a folder of its own; `None` when the interpreter has no headers.
pub fn compile(interpreter: &Interpreter) -> Result<Option<tempfile::TempDir>> {
    if interpreter.root.is_some() {
        // Its files are not where its `sysconfig` says.
        return Ok(None);
    }
    let Some(include) = headers(interpreter)? else {
        return Ok(None);
    };
    let folder = tempfile::tempdir()?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/native_zoo.c");
    let mut command = Command::new("cc");
    command
        .args(["-O2", "-w", "-shared", "-fPIC", "-I"])
        .arg(include)
        .arg("-o")
        .arg(folder.path().join("native_zoo.so"))
        .arg(source);
    let output = command
        .output()
        .with_context(|| format!("running {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Some(folder))
}

/// The folder of `Python.h`, if it is there.
fn headers(interpreter: &Interpreter) -> Result<Option<PathBuf>> {
    let output = Command::new(&interpreter.executable)
        .args([
            "-c",
            "import sysconfig; print(sysconfig.get_paths()['include'])",
        ])
        .output()
        .with_context(|| interpreter.to_string())?;
    let folder = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    Ok(folder.join("Python.h").exists().then_some(folder))
}
