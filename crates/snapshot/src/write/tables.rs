use super::cells::{
    Cells, bools, labels, nullable_bytes, nullable_u32s, nullable_u64s, texts, u32s, u64s,
};
use crate::format::{self, GROUP_ROWS, PAGE_ROWS, Packing, Table};
use crate::labels::{
    KIND_SHAPES, RELATIONS, ROOT_CATEGORIES, VALUE_FORMS, kind_shape, root_category,
};
use crate::{Digests, ObjectId, References, Snapshot, TypeId, ValueForm, Values};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::schema::types::{ColumnPath, SchemaDescPtr, SchemaDescriptor};
use std::ops::Range;
use std::sync::Arc;

/// A row group of values ends when it has this many bytes.
const GROUP_BYTES: usize = 64 << 20;

/// Most of a value that is stored, in bytes: a page of Parquet holds less than 2 GiB.
const VALUE_BYTES: usize = 1 << 30;

/// A table, and where the cells of its columns come from.
pub(super) struct TableData<'a> {
    pub(super) table: &'static Table,
    pub(super) rows: usize,
    /// The rows of each row group.
    pub(super) groups: Vec<Range<usize>>,
    /// One for each column.
    pub(super) cells: Vec<Cells<'a>>,
    pub(super) schema: SchemaDescPtr,
    pub(super) properties: WriterPropertiesPtr,
}

/// All tables of a snapshot, the largest first.
pub(super) fn tables(snapshot: &Snapshot) -> Result<Vec<TableData<'_>>, ParquetError> {
    Ok(vec![
        references(&snapshot.references)?,
        objects(snapshot)?,
        values(&snapshot.values)?,
        digests(&snapshot.digests)?,
        types(snapshot)?,
        kinds(snapshot)?,
        names(snapshot)?,
        roots(snapshot)?,
        threads(snapshot)?,
        frames(snapshot)?,
        suspended(snapshot)?,
        mappings(snapshot)?,
    ])
}

fn references(references: &References) -> Result<TableData<'_>, ParquetError> {
    let (starts, targets, codes, operands) = references.columns();
    let sources = move |rows: Range<usize>, sources: &mut Vec<i32>, _: &mut Vec<i16>| {
        let mut source = starts.partition_point(|&start| start as usize <= rows.start) - 1;
        for row in rows {
            while starts[source + 1] as usize <= row {
                source += 1;
            }
            sources.push(source as i32);
        }
    };
    let cells = vec![
        Cells::Int32(Box::new(sources)),
        u32s(|row| targets[row].0),
        labels(&RELATIONS, |row| (codes[row] & !References::WEAK) - 1),
        u32s(|row| operands[row]),
        bools(|row| codes[row] & References::WEAK != 0),
    ];
    table(&format::REFERENCES, references.len(), cells)
}

fn objects(snapshot: &Snapshot) -> Result<TableData<'_>, ParquetError> {
    let objects = &snapshot.objects;
    let cells = vec![
        row_numbers(),
        u64s(|row| objects.address[row]),
        u32s(|row| objects.kind[row].0),
        u64s(|row| objects.size[row]),
        u64s(|row| objects.allocated[row]),
        u32s(|row| objects.refcount[row]),
        u32s(|row| objects.flags[row].0.into()),
        nullable_u32s(|row| objects.interpreter_of(ObjectId(row as u32))),
    ];
    table(&format::OBJECTS, objects.len(), cells)
}

fn types(snapshot: &Snapshot) -> Result<TableData<'_>, ParquetError> {
    let types = &snapshot.types;
    let cells = vec![
        row_numbers(),
        u64s(|row| types[row].address),
        nullable_u32s(|row| types[row].object.map(|object| object.0)),
        texts(|row| &types[row].module),
        texts(|row| &types[row].name),
        texts(|row| &types[row].tp_name),
        u64s(|row| types[row].basicsize),
        u64s(|row| types[row].itemsize),
        u32s(|row| types[row].flags.0.into()),
        nullable_u32s(|row| types[row].base.map(|base| base.0)),
    ];
    table(&format::TYPES, types.len(), cells)
}

fn kinds(snapshot: &Snapshot) -> Result<TableData<'_>, ParquetError> {
    let kinds = &snapshot.kinds;
    let owner = |row: usize| kind_shape(kinds[row].shape).1;
    let cells = vec![
        row_numbers(),
        texts(|row| &kinds[row].name),
        u32s(|row| kinds[row].type_id.0),
        labels(&KIND_SHAPES, |row| kind_shape(kinds[row].shape).0),
        nullable_u32s(move |row| owner(row).map(|TypeId(owner)| owner)),
    ];
    table(&format::KINDS, kinds.len(), cells)
}

fn names(snapshot: &Snapshot) -> Result<TableData<'_>, ParquetError> {
    let names = &snapshot.names;
    let cells = vec![row_numbers(), texts(|row| &names[row])];
    table(&format::NAMES, names.len(), cells)
}

fn roots(snapshot: &Snapshot) -> Result<TableData<'_>, ParquetError> {
    let roots = &snapshot.roots;
    let cells = vec![
        texts(|row| &roots[row].name),
        u32s(|row| roots[row].target.0),
        labels(&ROOT_CATEGORIES, |row| root_category(roots[row].category)),
        bools(|row| roots[row].owned),
    ];
    table(&format::ROOTS, roots.len(), cells)
}

fn threads(snapshot: &Snapshot) -> Result<TableData<'_>, ParquetError> {
    let threads = &snapshot.threads;
    let cells = vec![
        row_numbers(),
        u32s(|row| threads[row].interpreter),
        u64s(|row| threads[row].ident),
        nullable_u64s(|row| threads[row].native_id),
        bools(|row| threads[row].holds_gil),
    ];
    table(&format::THREADS, threads.len(), cells)
}

fn frames(snapshot: &Snapshot) -> Result<TableData<'_>, ParquetError> {
    let frames = &snapshot.frames;
    let cells = vec![
        u32s(|row| frames[row].thread),
        u32s(|row| frames[row].depth),
        u32s(|row| frames[row].object.0),
        nullable_u32s(|row| frames[row].code.map(|code| code.0)),
        texts(|row| &frames[row].function),
        texts(|row| &frames[row].file),
        u32s(|row| frames[row].line),
    ];
    table(&format::FRAMES, frames.len(), cells)
}

fn suspended(snapshot: &Snapshot) -> Result<TableData<'_>, ParquetError> {
    let suspended = &snapshot.suspended;
    let cells = vec![
        u32s(|row| suspended[row].object.0),
        nullable_u32s(|row| suspended[row].code.map(|code| code.0)),
        texts(|row| &suspended[row].function),
        texts(|row| &suspended[row].file),
        u32s(|row| suspended[row].line),
    ];
    table(&format::SUSPENDED, suspended.len(), cells)
}

fn mappings(snapshot: &Snapshot) -> Result<TableData<'_>, ParquetError> {
    let mappings = &snapshot.mappings;
    let cells = vec![
        u64s(|row| mappings[row].start),
        u64s(|row| mappings[row].end),
        texts(|row| &mappings[row].permissions),
        u64s(|row| mappings[row].offset),
        texts(|row| &mappings[row].path),
        u64s(|row| mappings[row].resident),
        u64s(|row| mappings[row].proportional),
        u64s(|row| mappings[row].swapped),
    ];
    table(&format::MAPPINGS, mappings.len(), cells)
}

fn digests(digests: &Digests) -> Result<TableData<'_>, ParquetError> {
    let cells = vec![
        u32s(|row| digests.row(row).0.0),
        u64s(|row| digests.row(row).1),
    ];
    table(&format::DIGESTS, digests.len(), cells)
}

/// Text and bytes have columns of their own, so that tools show text as text.
fn values(values: &Values) -> Result<TableData<'_>, ParquetError> {
    let cell = |row: usize| {
        let (object, value) = values.row(row);
        let (form, bytes) = shortened(value.form, value.bytes, VALUE_BYTES);
        (object, form, bytes)
    };
    let is_text = |form| !matches!(form, ValueForm::Bytes | ValueForm::BytesStart);
    let cells = vec![
        u32s(move |row| cell(row).0.0),
        labels(&VALUE_FORMS, move |row| cell(row).1.code() - 1),
        nullable_bytes(move |row| {
            let (_, form, bytes) = cell(row);
            // Other tools insist on UTF-8.
            is_text(form).then(|| ByteArray::from(&*String::from_utf8_lossy(bytes)))
        }),
        nullable_bytes(move |row| {
            let (_, form, bytes) = cell(row);
            (!is_text(form)).then(|| ByteArray::from(bytes.to_vec()))
        }),
    ];
    let mut data = table(&format::VALUES, values.len(), cells)?;
    data.groups = groups(values.len(), GROUP_BYTES, |row| {
        values.row(row).1.bytes.len()
    });
    Ok(data)
}

/// A value of at most `limit` bytes, which is a beginning when it had to be cut.
fn shortened(form: ValueForm, bytes: &[u8], limit: usize) -> (ValueForm, &[u8]) {
    if bytes.len() <= limit {
        return (form, bytes);
    }
    // Not in the middle of a character: continuation bytes of UTF-8 begin with the bits 10.
    let is_boundary = |&end: &usize| bytes[end] & 0xc0 != 0x80;
    match form {
        ValueForm::Bytes | ValueForm::BytesStart => (ValueForm::BytesStart, &bytes[..limit]),
        ValueForm::Text | ValueForm::TextStart | ValueForm::Repr => {
            let end = (limit.saturating_sub(3)..=limit).rev().find(is_boundary);
            (ValueForm::TextStart, &bytes[..end.unwrap_or(limit)])
        }
    }
}

/// The rows themselves, by which other tables refer to this one.
fn row_numbers<'a>() -> Cells<'a> {
    u32s(|row| row as u32)
}

pub(super) fn table<'a>(
    table: &'static Table,
    rows: usize,
    cells: Vec<Cells<'a>>,
) -> Result<TableData<'a>, ParquetError> {
    Ok(TableData {
        table,
        rows,
        groups: groups(rows, usize::MAX, |_| 0),
        cells,
        schema: Arc::new(SchemaDescriptor::new(table.schema()?)),
        properties: Arc::new(properties(table)?),
    })
}

/// Cuts a table into row groups of so many rows, and about so many bytes, at most.
fn groups(rows: usize, limit: usize, bytes: impl Fn(usize) -> usize) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let (mut start, mut size) = (0, 0usize);
    for row in 0..rows {
        size = size.saturating_add(bytes(row));
        if row + 1 - start == GROUP_ROWS || size > limit || row + 1 == rows {
            groups.push(start..row + 1);
            (start, size) = (row + 1, 0);
        }
    }
    groups
}

fn properties(table: &Table) -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("exuvia {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    if let Some(column) = table.sorted_by {
        let ascending = SortingColumn {
            column_idx: column as i32,
            descending: false,
            nulls_first: false,
        };
        properties = properties.set_sorting_columns(Some(vec![ascending]));
    }
    for column in table.columns {
        let path = ColumnPath::from(column.name);
        properties = match column.packing {
            Packing::Delta => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            Packing::Dictionary => properties.set_column_dictionary_enabled(path, true),
            Packing::Plain => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::PLAIN),
        };
    }
    Ok(properties.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_too_long_becomes_a_beginning() {
        let text = "añb".as_bytes();
        let cut = |form, limit| shortened(form, text, limit);
        assert_eq!(cut(ValueForm::Text, 4), (ValueForm::Text, text));
        assert_eq!(cut(ValueForm::Text, 3), (ValueForm::TextStart, &text[..3]));
        assert_eq!(cut(ValueForm::Text, 2), (ValueForm::TextStart, &text[..1]));
        assert_eq!(
            cut(ValueForm::Bytes, 2),
            (ValueForm::BytesStart, &text[..2])
        );
    }

    #[test]
    fn row_groups_cover_all_rows() {
        assert_eq!(groups(0, 10, |_| 1), []);
        assert_eq!(groups(5, 10, |_| 6), [0..2, 2..4, 4..5]);
        let large = groups(GROUP_ROWS + 1, usize::MAX, |_| 0);
        assert_eq!(large, [0..GROUP_ROWS, GROUP_ROWS..GROUP_ROWS + 1]);
    }
}
