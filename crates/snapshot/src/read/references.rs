use super::file::TableFile;
use super::tables::push;
use crate::labels::RELATIONS;
use crate::parallel::Job;
use crate::{ObjectId, OpenError, References};
use parquet::data_type::{BoolType, Int32Type};

/// The columns of the references, each read on its own.
#[derive(Default)]
pub(super) struct ReferenceColumns {
    starts: Vec<u32>,
    targets: Vec<ObjectId>,
    codes: Vec<u8>,
    operands: Vec<u32>,
}

impl ReferenceColumns {
    /// The jobs of reading them, the longest first.
    pub(super) fn jobs<'a>(
        &'a mut self,
        file: &'a TableFile,
        objects: usize,
    ) -> Vec<Job<'a, OpenError>> {
        let mut jobs = Vec::new();
        push(&mut jobs, &mut self.codes, || codes(file));
        push(&mut jobs, &mut self.operands, || {
            file.u32s("operand", |operand| operand)
        });
        push(&mut jobs, &mut self.targets, || {
            file.u32s("target", ObjectId)
        });
        push(&mut jobs, &mut self.starts, move || starts(file, objects));
        jobs
    }

    /// The table of them.
    pub(super) fn assemble(self, file: &TableFile) -> Result<References, OpenError> {
        References::from_columns(self.starts, self.targets, self.codes, self.operands)
            .ok_or_else(|| file.damaged("source", "the columns don't fit each other"))
    }
}

/// The relations and whether they are weak, as they are coded in memory.
fn codes(file: &TableFile) -> Result<Vec<u8>, OpenError> {
    let mut codes = file.labels("relation", &RELATIONS)?;
    let mut row = 0;
    file.scan::<BoolType>("weak", |values, _| {
        for (code, &weak) in codes[row..].iter_mut().zip(values) {
            *code = (*code + 1) | if weak { References::WEAK } else { 0 };
        }
        row += values.len();
        Ok(())
    })?;
    Ok(codes)
}

/// Where the references of each object start, and the last ones end.
fn starts(file: &TableFile, objects: usize) -> Result<Vec<u32>, OpenError> {
    let mut starts = Vec::with_capacity(objects + 1);
    let mut row = 0;
    file.scan::<Int32Type>("source", |sources, _| {
        for &source in sources {
            let source = source as u32 as usize;
            if source >= objects {
                return Err(file.damaged("source", format!("object {source} of {objects}")));
            }
            if source + 1 < starts.len() {
                return Err(file.damaged("source", format!("row {row} is not sorted")));
            }
            starts.resize(source + 1, row);
            row += 1;
        }
        Ok(())
    })?;
    starts.resize(objects + 1, row);
    Ok(starts)
}
