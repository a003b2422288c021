use parquet::data_type::ByteArray;
use std::ops::Range;

/// Where the cells of a column come from: a function that converts those of some rows to
/// what Parquet stores, so that no whole column is ever copied.
pub(super) enum Cells<'a> {
    Int32(Fill<'a, i32>),
    Int64(Fill<'a, i64>),
    Bool(Fill<'a, bool>),
    Bytes(Fill<'a, ByteArray>),
}

/// Appends the values of some rows; for a column with nulls also, for each row, 1 where
/// there is a value and 0 where there is none.
pub(super) type Fill<'a, T> = Box<dyn Fn(Range<usize>, &mut Vec<T>, &mut Vec<i16>) + Sync + 'a>;

pub(super) fn u32s<'a>(cell: impl Fn(usize) -> u32 + Sync + 'a) -> Cells<'a> {
    // Parquet stores unsigned numbers in the bits of signed ones.
    Cells::Int32(each(move |row| cell(row) as i32))
}

pub(super) fn u64s<'a>(cell: impl Fn(usize) -> u64 + Sync + 'a) -> Cells<'a> {
    Cells::Int64(each(move |row| cell(row) as i64))
}

pub(super) fn bools<'a>(cell: impl Fn(usize) -> bool + Sync + 'a) -> Cells<'a> {
    Cells::Bool(each(cell))
}

pub(super) fn texts<'a>(cell: impl Fn(usize) -> &'a str + Sync + 'a) -> Cells<'a> {
    Cells::Bytes(each(move |row| ByteArray::from(cell(row))))
}

/// The label at the place that `cell` gives.
pub(super) fn labels<'a>(
    labels: &'static [&'static str],
    cell: impl Fn(usize) -> u8 + Sync + 'a,
) -> Cells<'a> {
    let label = |&label: &&'static str| bytes::Bytes::from_static(label.as_bytes()).into();
    let labels: Vec<ByteArray> = labels.iter().map(label).collect();
    Cells::Bytes(each(move |row| labels[usize::from(cell(row))].clone()))
}

pub(super) fn nullable_u32s<'a>(cell: impl Fn(usize) -> Option<u32> + Sync + 'a) -> Cells<'a> {
    Cells::Int32(each_nullable(move |row| Some(cell(row)? as i32)))
}

pub(super) fn nullable_u64s<'a>(cell: impl Fn(usize) -> Option<u64> + Sync + 'a) -> Cells<'a> {
    Cells::Int64(each_nullable(move |row| Some(cell(row)? as i64)))
}

pub(super) fn nullable_bytes<'a>(
    cell: impl Fn(usize) -> Option<ByteArray> + Sync + 'a,
) -> Cells<'a> {
    Cells::Bytes(each_nullable(cell))
}

fn each<'a, T>(cell: impl Fn(usize) -> T + Sync + 'a) -> Fill<'a, T> {
    Box::new(move |rows, values, _| values.extend(rows.map(&cell)))
}

fn each_nullable<'a, T>(cell: impl Fn(usize) -> Option<T> + Sync + 'a) -> Fill<'a, T> {
    Box::new(move |rows, values, present| {
        for row in rows {
            let value = cell(row);
            present.push(i16::from(value.is_some()));
            values.extend(value);
        }
    })
}
