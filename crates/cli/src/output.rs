//! Stdout.

use crate::error::Failure;
use std::io::{self, BufWriter, Write};

/// Writes to stdout what `write` produces: buffered, and without colours unless stdout is
/// a terminal that may have them (`NO_COLOR`, `CLICOLOR_FORCE`).
pub(crate) fn write(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = BufWriter::new(anstream::stdout().lock());
    write(&mut out)
        .and_then(|()| out.flush())
        .map_err(Failure::output)
}

/// Writes a document to stdout as indented JSON, and a line end.
pub(crate) fn write_json(document: &impl serde::Serialize) -> Result<(), Failure> {
    write(|out| {
        serde_json::to_writer_pretty(&mut *out, document)?;
        writeln!(out)
    })
}
