use super::failure;
use super::tables::TableData;
use crate::WriteError;
use crate::format::Stored;
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file of one table, while it is written.
pub(super) struct TableFile {
    path: PathBuf,
    writer: SerializedFileWriter<Summed>,
}

impl TableFile {
    pub(super) fn create(path: &Path, table: &TableData<'_>) -> Result<Self, WriteError> {
        let file = create(path).map_err(|error| WriteError::io(path, error))?;
        let summed = Summed {
            file,
            bytes: 0,
            crc32: crc32fast::Hasher::new(),
        };
        let schema = table.schema.root_schema_ptr();
        let writer = SerializedFileWriter::new(summed, schema, table.properties.clone())
            .map_err(|error| failure(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
        })
    }

    pub(super) fn next_row_group(
        &mut self,
    ) -> Result<SerializedRowGroupWriter<'_, Summed>, ParquetError> {
        self.writer.next_row_group()
    }

    /// Writes the footer. The data is flushed to the disk as well: on some file systems a
    /// full disk or a quota shows only then, and closing a file tells nobody.
    pub(super) fn finish(mut self, rows: usize) -> Result<Stored, WriteError> {
        // This flushes the writer's buffer; taking the writer apart would do that as well, but
        // keep only the text of an error.
        self.writer
            .finish()
            .map_err(|error| failure(&self.path, error))?;
        let summed = self.writer.inner();
        summed
            .file
            .sync_data()
            .map_err(|error| WriteError::io(&self.path, error))?;
        Ok(Stored {
            rows: rows as u64,
            bytes: summed.bytes,
            crc32: summed.crc32.clone().finalize(),
        })
    }
}

/// A new file that only this user may read.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file whose length and check sum are known when it is complete.
pub(super) struct Summed {
    file: File,
    bytes: u64,
    crc32: crc32fast::Hasher,
}

impl Write for Summed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.crc32.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
