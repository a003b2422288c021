use crate::OpenError;
use crate::format::{DOCUMENT, GROUP_ROWS, ROWS_PER_BYTE, Stored, Table};
use bytes::Bytes;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Rows that are converted at a time.
const BATCH: usize = 1 << 13;

/// The file of one table, in memory, its check sum and schema verified.
pub(super) struct TableFile {
    path: PathBuf,
    table: &'static Table,
    reader: SerializedFileReader<Bytes>,
    rows: usize,
}

impl TableFile {
    pub(super) fn open(
        directory: &Path,
        table: &'static Table,
        stored: &BTreeMap<String, Stored>,
    ) -> Result<Self, OpenError> {
        let path = directory.join(table.file());
        let stored = *stored.get(table.name).ok_or_else(|| {
            let what = format!("it has no table {}", table.name);
            OpenError::damaged(&directory.join(DOCUMENT), what)
        })?;
        let bytes = contents(&path, stored)?;
        guarded(&path, || {
            let reader = SerializedFileReader::new(bytes)?;
            require(
                schema_fits(&reader, table)?,
                "its columns are not the ones expected",
            )?;
            let rows = rows(&reader, table, stored)?;
            Ok(Self {
                path: path.clone(),
                table,
                reader,
                rows,
            })
        })
    }

    /// How many rows the table has.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The error that something is wrong with the contents of a column.
    pub(super) fn damaged(&self, column: &str, what: impl std::fmt::Display) -> OpenError {
        OpenError::damaged(&self.path, format!("column {column}: {what}"))
    }

    /// Calls `each` with the values of a column, batch by batch; where the column may have
    /// nulls also with 1 for each row that has a value and 0 for each that has none.
    pub(super) fn scan<T: DataType>(
        &self,
        column: &'static str,
        mut each: impl FnMut(&[T::T], &[i16]) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        for group in 0..self.reader.num_row_groups() {
            self.scan_group::<T>(column, group, &mut each)?;
        }
        Ok(())
    }

    /// [`scan`](Self::scan) of one row group.
    pub(super) fn scan_group<T: DataType>(
        &self,
        column: &'static str,
        group: usize,
        mut each: impl FnMut(&[T::T], &[i16]) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        let (mut values, mut present) = (Vec::with_capacity(BATCH), Vec::new());
        guarded(&self.path, || {
            let columns = self.table.columns;
            let place = columns.iter().position(|one| one.name == column);
            let place = place.ok_or_else(|| ParquetError::General(format!("no {column}")))?;
            let row_group = self.reader.get_row_group(group)?;
            let mut reader = get_typed_column_reader::<T>(row_group.get_column_reader(place)?);
            let mut left = usize::try_from(row_group.metadata().num_rows())?;
            while left > 0 {
                values.clear();
                present.clear();
                let levels = columns[place].nullable.then_some(&mut present);
                let (rows, ..) = reader.read_records(left.min(BATCH), levels, None, &mut values)?;
                require(rows > 0, "it ends early")?;
                left -= rows;
                if let Err(error) = each(&values, &present) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        })?
    }

    /// How many row groups the file has.
    pub(super) fn groups(&self) -> usize {
        self.reader.num_row_groups()
    }
}

/// The bytes of a file, if they are the ones that were written.
fn contents(path: &Path, stored: Stored) -> Result<Bytes, OpenError> {
    let io = |error| OpenError::io(path, error);
    let metadata = fs::metadata(path).map_err(io)?;
    // A pipe would be waited for without end.
    if !metadata.is_file() {
        return Err(OpenError::damaged(path, "it is not a file"));
    }
    let length = metadata.len();
    if length != stored.bytes {
        let what = format!("it is {length} bytes long instead of {}", stored.bytes);
        return Err(OpenError::damaged(path, what));
    }
    let bytes = fs::read(path).map_err(io)?;
    if crc32fast::hash(&bytes) != stored.crc32 {
        return Err(OpenError::damaged(path, "its check sum is wrong"));
    }
    Ok(bytes.into())
}

fn schema_fits(reader: &SerializedFileReader<Bytes>, table: &Table) -> Result<bool, ParquetError> {
    let metadata = reader.metadata();
    let found = metadata.file_metadata().schema();
    let groups = metadata.row_groups();
    Ok(found.get_fields() == table.schema()?.get_fields()
        && groups
            .iter()
            .all(|group| group.num_columns() == table.columns.len()))
}

/// How many rows there are, in row groups that are small enough.
fn rows(
    reader: &SerializedFileReader<Bytes>,
    table: &Table,
    stored: Stored,
) -> Result<usize, ParquetError> {
    let mut rows = 0;
    for group in reader.metadata().row_groups() {
        let count = u64::try_from(group.num_rows())?;
        require(count <= GROUP_ROWS as u64, "a row group has too many rows")?;
        rows += count;
    }
    require(
        rows == stored.rows,
        "its number of rows is not the one in snapshot.json",
    )?;
    require(
        rows <= u64::from(u32::MAX),
        "it has more rows than 32 bits can number",
    )?;
    let most = stored.bytes.saturating_mul(ROWS_PER_BYTE);
    require(
        rows <= most,
        &format!("{rows} rows of {} in so small a file", table.name),
    )?;
    Ok(rows as usize)
}

fn require(condition: bool, what: &str) -> Result<(), ParquetError> {
    if condition {
        Ok(())
    } else {
        Err(ParquetError::General(what.to_owned()))
    }
}

/// Runs the Parquet reader, which panics on some of what only hostile files contain.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, OpenError> {
    // What `read` changes is dropped when it panics.
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ParquetError::General(what))) => Err(OpenError::damaged(path, what)),
        Ok(Err(error)) => Err(OpenError::damaged(path, error.to_string())),
        Err(_) => Err(OpenError::damaged(path, "it is not valid Parquet")),
    }
}
