//! heapy's partition table, to the letter.

use super::{TITLE, counted, printable};
use crate::arguments::Limit;
use exuvia_query::{Classifier, Outside, Partition, PartitionRow};
use std::io::{self, Write};

/// Writes the table: its first rows, and how many more there are.
pub(crate) fn write(out: &mut dyn Write, partition: &Partition, limit: Limit) -> io::Result<()> {
    let columns = Columns::of(partition);
    writeln!(out, "{}", columns.heading())?;
    let (titles, header) = (columns.titles(), &partition.header);
    writeln!(out, "{TITLE}{titles}{header}{TITLE:#}")?;

    let rows = shown(partition, limit);
    let mut cumulative = 0u64;
    for (index, row) in rows.iter().enumerate() {
        cumulative = cumulative.saturating_add(row.size);
        let numbers = columns.numbers(index, row, cumulative);
        let name = printable(&row.name);
        match columns.wraps() {
            true => writeln!(out, "{}", wrapped(&numbers, &name))?,
            false => writeln!(out, "{numbers}{name}")?,
        }
    }
    match partition.total_rows - rows.len() {
        0 => Ok(()),
        more => writeln!(out, "<{more} more rows. Use --all or --top N to view.>"),
    }
}

/// The rows of a table that are shown.
pub(super) fn shown(partition: &Partition, limit: Limit) -> &[PartitionRow] {
    match limit {
        // The rows behind these were not made.
        Limit::Top(top) if partition.total_rows > partition.rows.len() => {
            partition.rows.get(..top).unwrap_or(&partition.rows)
        }
        _ => limit.first_of(&partition.rows),
    }
}

/// Writes what a table of all live objects leaves out.
pub(crate) fn write_outside(out: &mut dyn Write, outside: &Outside) -> io::Result<()> {
    let Outside { garbage, .. } = outside;
    let objects = counted(garbage.objects, "object");
    let bytes = counted(garbage.bytes, "byte");
    write!(
        out,
        "\nNot in the table: {objects} ({bytes}) of garbage waiting for the collector"
    )?;
    if outside.resident > 0 {
        let unaccounted = counted(outside.unaccounted, "byte");
        let resident = outside.resident;
        write!(
            out,
            ", {unaccounted} of {resident} resident outside of Python objects"
        )?;
    }
    writeln!(out, ".")
}

/// How the numbers of a table are written, which is one way for classes of objects and another
/// for single ones.
struct Columns<'a> {
    partition: &'a Partition,
    /// What kind of objects the single ones are.
    label: Option<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(partition: &'a Partition) -> Self {
        Self {
            partition,
            label: partition.label.as_deref(),
        }
    }

    fn heading(&self) -> String {
        let Partition { count, size, .. } = self.partition;
        match self.label {
            None => {
                let objects = counted(*count, "object");
                format!("Partition of a set of {objects}. Total size = {size} bytes.")
            }
            Some(label) => {
                let objects = if *count == 1 { "object" } else { "objects" };
                let label = printable(label);
                format!("Set of {count} {label} {objects}. Total size = {size} bytes.")
            }
        }
    }

    fn titles(&self) -> String {
        let (titles, retained) = match self.label {
            None => (
                " Index  Count   %     Size   % Cumulative  % ",
                " Retained   % ",
            ),
            Some(_) => (" Index     Size   %   Cumulative  %   ", " Retained   %   "),
        };
        let retained = self.partition.alive.map_or("", |_| retained);
        format!("{titles}{retained}")
    }

    fn numbers(&self, index: usize, row: &PartitionRow, cumulative: u64) -> String {
        let PartitionRow { count, size, .. } = row;
        let Partition {
            size: whole,
            count: objects,
            ..
        } = self.partition;
        let retained = row.retained.zip(self.partition.alive);
        match self.label {
            None => {
                let retained = retained.map_or(String::new(), |(retained, alive)| {
                    format!("{retained:9} {:>3} ", percent(retained, alive))
                });
                let (of_count, of_size) = (percent(*count, *objects), percent(*size, *whole));
                let of_cumulative = percent(cumulative, *whole);
                format!(
                    "{index:6} {count:6} {of_count:>3} {size:8} {of_size:>3} {cumulative:9} \
                     {of_cumulative:>3} {retained}"
                )
            }
            Some(_) => {
                let tenths = |part: u64, whole: u64| part as f64 * 100.0 / whole.max(1) as f64;
                let retained = retained.map_or(String::new(), |(retained, alive)| {
                    format!("{retained:9} {:5.1} ", tenths(retained, alive))
                });
                let (of_size, of_cumulative) = (tenths(*size, *whole), tenths(cumulative, *whole));
                format!(
                    "{index:6} {size:8} {of_size:5.1} {cumulative:9} {of_cumulative:5.1} {retained}"
                )
            }
        }
    }

    /// Whether names are lists that can be very long, and go on in further lines.
    fn wraps(&self) -> bool {
        let by = self.partition.by;
        by.includes(Classifier::Rcs) || by.includes(Classifier::Via)
    }
}

/// How wide heapy's tables are at most.
const WIDTH: usize = 100;

/// A line that goes on below its name where it is too long, between words as far as possible:
/// Python's `textwrap.wrap`, but for hyphens.
fn wrapped(numbers: &str, name: &str) -> String {
    let indent = numbers.chars().count();
    let room = WIDTH.saturating_sub(indent).max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for (place, word) in name.split(' ').enumerate() {
        let mut word: Vec<char> = word.chars().collect();
        let space = usize::from(place > 0 && used > 0);
        let fits = used + space + word.len() <= room;
        if fits || word.len() > room {
            used += space;
            extend_last(&mut lines, &" "[..space]);
        } else {
            lines.push(String::new());
            used = 0;
        }
        // A word that is longer than a line fills what is left of this one first.
        while used + word.len() > room {
            let rest = word.split_off(room.saturating_sub(used));
            extend_last(&mut lines, &String::from_iter(word));
            lines.push(String::new());
            (word, used) = (rest, 0);
        }
        used += word.len();
        extend_last(&mut lines, &String::from_iter(word));
    }
    let gap = format!("\n{}", " ".repeat(indent));
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    format!("{numbers}{}", lines.join(&gap))
}

fn extend_last(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

/// A percentage, rounded as `'%.0f'` does it: exact halves go to the even neighbour.
pub(super) fn percent(part: u64, whole: u64) -> String {
    // The order of the operations is heapy's, since it decides about some of the halves.
    let percent = part as f64 * 100.0 / whole.max(1) as f64;
    format!("{percent:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use exuvia_query::By;

    fn row(name: &str, count: u64, size: u64) -> PartitionRow {
        PartitionRow {
            name: name.to_owned(),
            count,
            size,
            retained: None,
        }
    }

    fn partition(by: impl Into<By>, rows: Vec<PartitionRow>) -> Partition {
        let by = by.into();
        Partition {
            by,
            header: by.header(),
            label: None,
            count: rows.iter().map(|row| row.count).sum(),
            size: rows.iter().map(|row| row.size).sum(),
            total_rows: rows.len(),
            rows,
            alive: None,
            selected: false,
            outside: Outside::default(),
        }
    }

    fn text(partition: &Partition, limit: Limit) -> String {
        let mut out = Vec::new();
        write(&mut out, partition, limit).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    /// Twelve kinds of one set, with the sizes and counts that guppy3 3.1.7 had there.
    fn session_kinds() -> Vec<PartitionRow> {
        vec![
            row("type", 1, 424),
            row("set", 1, 216),
            row("Exception", 1, 88),
            row("types.BuiltinMethodType", 1, 72),
            row("dict (no owner)", 1, 64),
            row("__main__.Session", 1, 56),
            row("list", 1, 56),
            row("str", 1, 50),
            row("tuple", 1, 40),
            row("bytes", 1, 33),
            row("float", 1, 24),
        ]
    }

    const SESSION_TABLE: &str = "\
Partition of a set of 11 objects. Total size = 1123 bytes.
 Index  Count   %     Size   % Cumulative  % Kind (class / dict of class)
     0      1   9      424  38       424  38 type
     1      1   9      216  19       640  57 set
     2      1   9       88   8       728  65 Exception
     3      1   9       72   6       800  71 types.BuiltinMethodType
     4      1   9       64   6       864  77 dict (no owner)
     5      1   9       56   5       920  82 __main__.Session
     6      1   9       56   5       976  87 list
     7      1   9       50   4      1026  91 str
     8      1   9       40   4      1066  95 tuple
     9      1   9       33   3      1099  98 bytes
    10      1   9       24   2      1123 100 float
";

    #[test]
    fn a_single_leftover_row_is_printed_as_in_heapy() {
        let partition = partition(Classifier::Kind, session_kinds());
        assert_eq!(text(&partition, Limit::Top(10)), SESSION_TABLE);
        assert_eq!(text(&partition, Limit::All), SESSION_TABLE);
    }

    #[test]
    fn the_rows_that_are_left_are_counted() {
        let partition = partition(Classifier::Kind, session_kinds());
        let expected = "\
Partition of a set of 11 objects. Total size = 1123 bytes.
 Index  Count   %     Size   % Cumulative  % Kind (class / dict of class)
     0      1   9      424  38       424  38 type
     1      1   9      216  19       640  57 set
<9 more rows. Use --all or --top N to view.>
";
        assert_eq!(text(&partition, Limit::Top(2)), expected);
        let last = text(&partition, Limit::Top(0));
        assert!(last.ends_with("<11 more rows. Use --all or --top N to view.>\n"));
    }

    #[test]
    fn one_object_is_not_plural() {
        let rows = vec![row("dict (no owner)", 1, 1168)];
        let expected = "\
Partition of a set of 1 object. Total size = 1168 bytes.
 Index  Count   %     Size   % Cumulative  % Kind (class / dict of class)
     0      1 100     1168 100      1168 100 dict (no owner)
";
        assert_eq!(
            text(&partition(Classifier::Kind, rows), Limit::All),
            expected
        );
    }

    #[test]
    fn wide_numbers_overflow_their_columns() {
        let rows = vec![row("str", 12_345_678, 1_234_567_890), row("int", 1, 28)];
        let expected = "\
Partition of a set of 12345679 objects. Total size = 1234567918 bytes.
 Index  Count   %     Size   % Cumulative  % Type
     0 12345678 100 1234567890 100 1234567890 100 str
     1      1   0       28   0 1234567918 100 int
";
        assert_eq!(
            text(&partition(Classifier::Type, rows), Limit::All),
            expected
        );
    }

    /// As guppy3 3.1.7 on Python 3.10.13 prints `hp.iso(*sessions.values(), Session).byrcs`
    /// and the like; rows that came from heapy itself are left out, and the numbers of the
    /// heading are those of the rows that are left.
    #[test]
    fn long_names_go_on_below_as_in_heapy() {
        let rows = vec![
            row(
                "__main__.Session, dict of module, tuple, types.GetSetDescriptorType",
                1,
                1072,
            ),
            row("dict (no owner)", 20, 960),
        ];
        let expected = "\
Partition of a set of 21 objects. Total size = 2032 bytes.
 Index  Count   %     Size   % Cumulative  % Referrers by Kind (class / dict of class)
     0      1   5     1072  53      1072  53 __main__.Session, dict of module, tuple,
                                             types.GetSetDescriptorType
     1     20  95      960  47      2032 100 dict (no owner)
";
        assert_eq!(
            text(&partition(Classifier::Rcs, rows), Limit::All),
            expected
        );
    }

    /// As Python 3.10's `textwrap.wrap(" " * 45 + name, 100, subsequent_indent=" " * 45)` does
    /// it, but for hyphens.
    #[test]
    fn words_that_are_longer_than_a_line_are_cut() {
        let long = format!("a, {}, b", "x".repeat(120));
        let numbers = " ".repeat(45);
        let expected = format!(
            "{numbers}a, {}\n{numbers}{}\n{numbers}{}, b",
            "x".repeat(52),
            "x".repeat(55),
            "x".repeat(13),
        );
        assert_eq!(wrapped(&numbers, &long), expected);
        assert_eq!(wrapped(&numbers, "short"), format!("{numbers}short"));
    }

    /// As guppy3 3.1.7 on Python 3.10.13 prints `hp.iso(Session, Item, int, type).byid`, where
    /// the classes are those of a program of a few lines.
    #[test]
    fn single_objects_have_a_table_of_their_own() {
        let rows = vec![
            row("__main__.Session", 1, 1072),
            row("__main__.Item", 1, 904),
            row("int", 1, 408),
            row("type", 1, 408),
        ];
        let table = Partition {
            label: Some("<type>".to_owned()),
            header: "Name".to_owned(),
            ..partition(Classifier::Id, rows)
        };
        let expected = "\
Set of 4 <type> objects. Total size = 2792 bytes.
 Index     Size   %   Cumulative  %   Name
     0     1072  38.4      1072  38.4 __main__.Session
     1      904  32.4      1976  70.8 __main__.Item
     2      408  14.6      2384  85.4 int
     3      408  14.6      2792 100.0 type
";
        assert_eq!(text(&table, Limit::Top(10)), expected);
        let first = Partition {
            total_rows: 1000,
            ..table
        };
        let first = text(&first, Limit::Top(3));
        assert!(first.ends_with(" int\n<997 more rows. Use --all or --top N to view.>\n"));
    }

    #[test]
    fn retained_sizes_are_parts_of_all_that_is_alive() {
        let rows = vec![PartitionRow {
            retained: Some(500),
            ..row("list", 2, 100)
        }];
        let table = Partition {
            alive: Some(1000),
            ..partition(Classifier::Kind, rows)
        };
        let expected = "\
Partition of a set of 2 objects. Total size = 100 bytes.
 Index  Count   %     Size   % Cumulative  %  Retained   % Kind (class / dict of class)
     0      2 100      100 100       100 100       500  50 list
";
        assert_eq!(text(&table, Limit::All), expected);
        let single = Partition {
            label: Some("<list>".to_owned()),
            header: "Address*Length".to_owned(),
            ..table
        };
        let expected = "\
Set of 2 <list> objects. Total size = 100 bytes.
 Index     Size   %   Cumulative  %    Retained   %   Address*Length
     0      100 100.0       100 100.0       500  50.0 list
";
        assert_eq!(text(&single, Limit::All), expected);
    }

    /// What Python 3.11 prints for `'%.0f' % (part * 100.0 / whole)`.
    #[test]
    fn percentages_round_as_in_python() {
        for (part, whole, expected) in [
            (1, 200, "0"),
            (3, 200, "2"),
            (5, 200, "2"),
            (7, 200, "4"),
            (1, 8, "12"),
            (3, 8, "38"),
            (199, 200, "100"),
            (23, 40, "58"),
            (u64::MAX, u64::MAX, "100"),
            (0, 0, "0"),
        ] {
            assert_eq!(percent(part, whole), expected, "{part} of {whole}");
        }
    }

    #[test]
    fn what_is_outside_of_the_table_is_one_line() {
        let outside = Outside {
            garbage: exuvia_query::Extent {
                objects: 1,
                bytes: 64,
            },
            resident: 5000,
            unaccounted: 3000,
            ..Outside::default()
        };
        let mut out = Vec::new();
        write_outside(&mut out, &outside).unwrap();
        let expected = "\nNot in the table: 1 object (64 bytes) of garbage waiting for the \
            collector, 3000 bytes of 5000 resident outside of Python objects.\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
