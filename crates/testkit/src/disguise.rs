use crate::Interpreter;
use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSection, ObjectSymbol};
use std::fs;
use std::path::Path;

/// The version that a disguised interpreter claims: 3.16.0, final.
const CLAIMED: u32 = 0x0310_00f0;

impl Interpreter {
    /// A copy of a statically linked interpreter in a folder, whose file claims to be
    /// Python 3.16: what an interpreter looks like that is newer than this exuvia. It runs as
    /// before, since nothing in it reads `Py_Version`.
    pub fn disguised(&self, folder: &Path) -> Result<Self> {
        ensure!(!self.shared, "{self} keeps its version in a library");
        ensure!(self.root.is_none(), "{self} can't run outside of its root");
        let mut bytes = fs::read(&self.executable)?;
        let offset = version_offset(&bytes).with_context(|| self.to_string())?;
        let field = bytes
            .get_mut(offset..offset + size_of_val(&CLAIMED))
            .context("Py_Version lies outside the file")?;
        field.copy_from_slice(&CLAIMED.to_ne_bytes());

        let executable = folder.join("python3");
        fs::write(&executable, bytes)?;
        fs::set_permissions(&executable, fs::metadata(&self.executable)?.permissions())?;
        Ok(Self {
            version: (3, 16, 0),
            hexversion: CLAIMED,
            image: executable.clone(),
            executable,
            ..self.clone()
        })
    }
}

/// Where in an executable its `Py_Version` lies.
fn version_offset(bytes: &[u8]) -> Result<usize> {
    let file = object::File::parse(bytes)?;
    let symbol = file
        .dynamic_symbols()
        .find(|symbol| symbol.name() == Ok("Py_Version"))
        .context("no symbol Py_Version")?;
    let index = symbol.section_index().context("it is in no section")?;
    let section = file.section_by_index(index)?;
    let (start, _) = section.file_range().context("it is not in the file")?;
    let within = symbol.address().checked_sub(section.address());
    Ok(usize::try_from(
        start + within.context("it lies before its section")?,
    )?)
}
