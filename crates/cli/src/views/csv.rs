//! The table as CSV.

use crate::arguments::Limit;
use exuvia_query::{Classifier, Partition};
use std::io::{self, Write};

/// Writes the rows of the table, after a line with the names of the columns:
/// `index,count,size,cumulative,kind` (or `type`).
pub(crate) fn write(out: &mut dyn Write, partition: &Partition, limit: Limit) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    let name = match partition.by {
        Classifier::Kind => "kind",
        Classifier::Type => "type",
    };
    writer.write_record(["index", "count", "size", "cumulative", name])?;
    let mut cumulative = 0;
    for (index, row) in limit.first_of(&partition.rows).iter().enumerate() {
        cumulative += row.size;
        writer.serialize((index, row.count, row.size, cumulative, &row.name))?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use exuvia_query::{Outside, PartitionRow};

    #[test]
    fn names_with_commas_are_quoted() {
        let row = |name: &str, size| PartitionRow {
            name: name.to_owned(),
            count: 1,
            size,
        };
        let partition = Partition {
            by: Classifier::Kind,
            header: Classifier::Kind.header(),
            count: 2,
            size: 105,
            rows: vec![row("odd,\"name\"", 64), row("str", 41)],
            outside: Outside::default(),
        };
        let mut out = Vec::new();
        write(&mut out, &partition, Limit::All).unwrap();
        let expected = "index,count,size,cumulative,kind\n\
            0,1,64,64,\"odd,\"\"name\"\"\"\n\
            1,1,41,105,str\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
