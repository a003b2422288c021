use super::file::TableFile;
use crate::OpenError;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};

/// Whole columns, converted.
impl TableFile {
    /// A column of numbers of 32 bits.
    pub(super) fn u32s<X>(
        &self,
        column: &'static str,
        convert: impl Fn(u32) -> X,
    ) -> Result<Vec<X>, OpenError> {
        // Parquet stores unsigned numbers in the bits of signed ones.
        self.column::<Int32Type, X>(column, |&number| Some(convert(number as u32)))
    }

    /// A column of numbers of 8 bits.
    pub(super) fn u8s<X>(
        &self,
        column: &'static str,
        convert: impl Fn(u8) -> X,
    ) -> Result<Vec<X>, OpenError> {
        self.column::<Int32Type, X>(column, |&number| Some(convert(u8::try_from(number).ok()?)))
    }

    /// A column of numbers of 64 bits.
    pub(super) fn u64s(&self, column: &'static str) -> Result<Vec<u64>, OpenError> {
        self.column::<Int64Type, u64>(column, |&number| Some(number as u64))
    }

    /// A column of truth values.
    pub(super) fn bools(&self, column: &'static str) -> Result<Vec<bool>, OpenError> {
        self.column::<BoolType, bool>(column, |&value| Some(value))
    }

    /// A column of texts.
    pub(super) fn texts(&self, column: &'static str) -> Result<Vec<String>, OpenError> {
        self.column::<ByteArrayType, String>(column, |text| Some(text.as_utf8().ok()?.to_owned()))
    }

    /// A column of labels, as their places in the list of them.
    pub(super) fn labels(
        &self,
        column: &'static str,
        labels: &'static [&'static str],
    ) -> Result<Vec<u8>, OpenError> {
        // Neighbours are often alike.
        let mut last = 0;
        self.column::<ByteArrayType, u8>(column, |label| {
            let is = |place: usize| labels[place].as_bytes() == label.data();
            if !is(last) {
                last = (0..labels.len()).find(|&place| is(place))?;
            }
            Some(last as u8)
        })
    }

    /// A column of numbers of 32 bits, with nulls.
    pub(super) fn nullable_u32s<X>(
        &self,
        column: &'static str,
        convert: impl Fn(u32) -> X,
    ) -> Result<Vec<Option<X>>, OpenError> {
        self.nullable::<Int32Type, X>(column, |&number| convert(number as u32))
    }

    /// A column of numbers of 32 bits, with a number in the place of nulls.
    pub(super) fn u32s_or(&self, column: &'static str, null: u32) -> Result<Vec<u32>, OpenError> {
        let mut cells = self.room(column)?;
        self.scan::<Int32Type>(column, |values, present| {
            let mut values = values.iter();
            cells.extend(present.iter().map(|&level| match level {
                0 => null,
                _ => values.next().map_or(null, |&number| number as u32),
            }));
            Ok(())
        })?;
        self.complete(column, cells)
    }

    /// A column of numbers of 64 bits, with nulls.
    pub(super) fn nullable_u64s(
        &self,
        column: &'static str,
    ) -> Result<Vec<Option<u64>>, OpenError> {
        self.nullable::<Int64Type, u64>(column, |&number| number as u64)
    }

    /// A column of one row group, of texts or bytes with nulls.
    pub(super) fn nullable_bytes(
        &self,
        column: &'static str,
        group: usize,
    ) -> Result<Vec<Option<ByteArray>>, OpenError> {
        let mut cells = Vec::new();
        self.scan_group::<ByteArrayType>(column, group, |values, present| {
            append_nullable(&mut cells, values, present, ByteArray::clone);
            Ok(())
        })?;
        Ok(cells)
    }

    fn column<T: DataType, X>(
        &self,
        column: &'static str,
        mut convert: impl FnMut(&T::T) -> Option<X>,
    ) -> Result<Vec<X>, OpenError> {
        let mut cells = self.room(column)?;
        self.scan::<T>(column, |values, _| {
            for value in values {
                match convert(value) {
                    Some(cell) => cells.push(cell),
                    None => return Err(self.damaged(column, format!("row {}", cells.len()))),
                }
            }
            Ok(())
        })?;
        self.complete(column, cells)
    }

    fn nullable<T: DataType, X>(
        &self,
        column: &'static str,
        convert: impl Fn(&T::T) -> X,
    ) -> Result<Vec<Option<X>>, OpenError> {
        let mut cells = self.room(column)?;
        self.scan::<T>(column, |values, present| {
            append_nullable(&mut cells, values, present, &convert);
            Ok(())
        })?;
        self.complete(column, cells)
    }

    /// Room for a column. The rows were counted before, so this is bounded.
    fn room<X>(&self, column: &'static str) -> Result<Vec<X>, OpenError> {
        let mut cells = Vec::new();
        cells
            .try_reserve_exact(self.rows())
            .map_err(|error| self.damaged(column, error))?;
        Ok(cells)
    }

    fn complete<X>(&self, column: &'static str, cells: Vec<X>) -> Result<Vec<X>, OpenError> {
        if cells.len() == self.rows() {
            Ok(cells)
        } else {
            let what = format!("{} values for {} rows", cells.len(), self.rows());
            Err(self.damaged(column, what))
        }
    }
}

fn append_nullable<V, X>(
    cells: &mut Vec<Option<X>>,
    values: &[V],
    present: &[i16],
    convert: impl Fn(&V) -> X,
) {
    let mut values = values.iter();
    let cell = |&level: &i16| (level != 0).then(|| values.next().map(&convert)).flatten();
    cells.extend(present.iter().map(cell));
}
