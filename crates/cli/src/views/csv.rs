//! The table as CSV.

use crate::arguments::Limit;
use exuvia_query::Partition;
use std::io::{self, Write};

/// Writes the rows of the table, after a line with the names of the columns:
/// `index,count,size,cumulative,kind` (or another classifier, or two: `type,size` in one
/// column), with `retained` before the name where it was asked for.
pub(crate) fn write(out: &mut dyn Write, partition: &Partition, limit: Limit) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    let name = match partition.by.to_string().as_str() {
        // The sum of a row is a column of that name already.
        "size" => "individual_size".to_owned(),
        name => name.to_owned(),
    };
    let mut titles = vec!["index", "count", "size", "cumulative"];
    if partition.alive.is_some() {
        titles.push("retained");
    }
    titles.push(&name);
    writer.write_record(titles)?;
    let mut cumulative = 0u64;
    for (index, row) in super::table::shown(partition, limit).iter().enumerate() {
        cumulative = cumulative.saturating_add(row.size);
        let numbers = (index, row.count, row.size, cumulative);
        let name = row.name.trim_start();
        match row.retained {
            Some(retained) => writer.serialize((numbers, retained, name))?,
            None => writer.serialize((numbers, name))?,
        }
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use exuvia_query::{By, Outside, PartitionRow};

    #[test]
    fn names_with_commas_are_quoted() {
        let row = |name: &str, size| PartitionRow {
            name: name.to_owned(),
            count: 1,
            size,
            retained: None,
        };
        let partition = Partition {
            by: By::default(),
            header: By::default().header(),
            label: None,
            count: 2,
            size: 105,
            total_rows: 2,
            rows: vec![row("odd,\"name\"", 64), row("str", 41)],
            alive: None,
            selected: false,
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
