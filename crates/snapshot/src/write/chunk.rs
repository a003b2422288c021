use super::cells::{Cells, Fill};
use super::tables::TableData;
use bytes::Bytes;
use parquet::column::writer::{
    ColumnCloseResult, ColumnWriter, ColumnWriterImpl, get_column_writer, get_typed_column_writer,
};
use parquet::data_type::{BoolType, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use std::ops::Range;

/// Rows that are converted at a time.
const BATCH: usize = 1 << 14;

/// One column of one row group, encoded and compressed, ready to be appended to its file.
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    pub(super) closed: ColumnCloseResult,
}

/// Encodes one column of some rows in memory.
pub(super) fn encode(
    table: &TableData<'_>,
    column: usize,
    rows: &Range<usize>,
) -> Result<Chunk, ParquetError> {
    let mut sink = TrackedWrite::new(Vec::new());
    let writer = get_column_writer(
        table.schema.column(column),
        table.properties.clone(),
        Box::new(SerializedPageWriter::new(&mut sink)),
    );
    let closed = match &table.cells[column] {
        Cells::Int32(fill) => write_cells::<Int32Type>(writer, fill, rows),
        Cells::Int64(fill) => write_cells::<Int64Type>(writer, fill, rows),
        Cells::Bool(fill) => write_cells::<BoolType>(writer, fill, rows),
        Cells::Bytes(fill) => write_cells::<ByteArrayType>(writer, fill, rows),
    }?;
    Ok(Chunk {
        bytes: sink.into_inner()?.into(),
        closed,
    })
}

fn write_cells<T: DataType>(
    writer: ColumnWriter<'_>,
    fill: &Fill<'_, T::T>,
    rows: &Range<usize>,
) -> Result<ColumnCloseResult, ParquetError> {
    let mut writer: ColumnWriterImpl<'_, T> = get_typed_column_writer(writer);
    let (mut values, mut present) = (Vec::with_capacity(BATCH), Vec::new());
    let mut start = rows.start;
    while start < rows.end {
        let end = rows.end.min(start + BATCH);
        values.clear();
        present.clear();
        fill(start..end, &mut values, &mut present);
        let levels = (!present.is_empty()).then_some(present.as_slice());
        writer.write_batch(&values, levels, None)?;
        start = end;
    }
    writer.close()
}
