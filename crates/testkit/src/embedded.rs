//! Programs that have an interpreter inside and are not called Python.

use crate::{Interpreter, Launch};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// How a program comes to its interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embedding {
    /// It is linked to libpython.
    Linked,
    /// It loads libpython while it runs.
    Loaded,
}

/// Compiles `programs/appserver.c` for the libpython of an interpreter into a folder, with the
/// machine's C compiler. It starts its interpreter when it is told to `start`.
pub fn appserver(interpreter: &Interpreter, how: Embedding, folder: &Path) -> Result<Launch> {
    ensure!(interpreter.shared, "{interpreter} has no libpython");
    let library = &interpreter.image;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/appserver.c");
    let program = folder.join("appserver");
    let mut compile = Command::new("cc");
    compile.arg(&source).arg("-o").arg(&program);
    let libraries = library.parent().context("a library in no folder")?;
    match how {
        Embedding::Linked => {
            compile.arg(library);
            compile.arg(format!("-Wl,-rpath,{}", libraries.display()));
        }
        Embedding::Loaded => {
            compile.arg(format!("-DLIBRARY=\"{}\"", library.display()));
            compile.arg("-ldl");
        }
    }
    let output = compile
        .output()
        .context("running cc, the C compiler that tests of embedded interpreters need")?;
    ensure!(
        output.status.success(),
        "{compile:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut command = Command::new(&program);
    // Where the standard library is, which it could not tell from its own path.
    command.env("PYTHONHOME", libraries.parent().unwrap_or(libraries));
    Launch::of(command)
}
