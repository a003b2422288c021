//! `cargo xtask dist`: the binary that users get.

use crate::cargo;
use anyhow::{Result, ensure};
use object::{Object, ObjectSegment};
use std::fs;

/// Builds the release binary, and makes sure that it runs without any shared library.
pub(crate) fn run() -> Result<()> {
    let program = cargo::build_exuvia("release")?;
    let bytes = fs::read(&program)?;
    let file = object::File::parse(&*bytes)?;
    // The dynamic loader that a program asks for.
    let loader = file.section_by_name(".interp");
    ensure!(
        loader.is_none(),
        "{} needs a dynamic loader, so it would not run in every container",
        program.display()
    );
    let loaded: u64 = file.segments().map(|segment| segment.size()).sum();
    println!("{} ({} KiB loaded)", program.display(), loaded / 1024);
    Ok(())
}
