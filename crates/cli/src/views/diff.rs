//! heapy's difference between two tables, to the letter, and what it does not tell: which
//! objects are new, and what grew twice.

use super::json::Source;
use super::{TITLE, counted, merged, printable, table};
use crate::arguments::Limit;
use exuvia_query::{
    Difference, DifferenceRow, Extent, Fates, GrownTwice, GrowthRow, Heap, MergedPaths, ObjectSet,
    Partition, PartitionRow,
};
use serde::Serialize;
use std::io::{self, Write};

/// Objects that are in the newer heap only, and what holds them.
#[derive(Debug)]
pub(crate) struct Newcomers {
    /// What became of all objects.
    pub(crate) fates: Fates,
    /// The new objects.
    pub(crate) set: ObjectSet,
    /// The same by kind.
    pub(crate) table: Partition,
    /// Where the paths to them run together.
    pub(crate) held: MergedPaths,
}

/// Writes the difference: its first rows, and how many more there are.
pub(crate) fn write(out: &mut dyn Write, difference: &Difference, limit: Limit) -> io::Result<()> {
    let Difference { new, old, .. } = difference;
    let (count, size) = difference.total();
    let of_old = of_old(size, old.bytes);
    writeln!(out, "Summary of difference operation (A-B).")?;
    writeln!(out, "        Count     Size")?;
    writeln!(out, "  A    {:6} {:8}", new.objects, new.bytes)?;
    writeln!(out, "  B    {:6} {:8}", old.objects, old.bytes)?;
    writeln!(out, "  A-B  {count:6} {size:8}  = {of_old} % of B")?;
    if difference.rows.is_empty() {
        return Ok(());
    }
    let has_retained = difference.rows.iter().any(|row| row.retained.is_some());
    let (by, title) = match has_retained {
        true => ("retained size", "   Retained "),
        false => ("size", ""),
    };
    writeln!(
        out,
        "\nDifferences by kind, largest absolute {by} diffs first."
    )?;
    let titles = " Index  Count     Size  Cumulative  % of B ";
    writeln!(out, "{TITLE}{titles}{title}{}{TITLE:#}", difference.header)?;
    let rows = limit.first_of(&difference.rows);
    let mut cumulative = 0i64;
    for (index, row) in rows.iter().enumerate() {
        cumulative = cumulative.saturating_add(row.size);
        writeln!(out, "{}", line(index, row, cumulative, old.bytes))?;
    }
    match difference.rows.len() - rows.len() {
        0 => Ok(()),
        more => writeln!(out, "<{more} more rows. Use --all or --top N to view.>"),
    }
}

fn line(index: usize, row: &DifferenceRow, cumulative: i64, old: u64) -> String {
    let DifferenceRow {
        name, count, size, ..
    } = row;
    let of_old = of_old(cumulative, old);
    let retained = row
        .retained
        .map_or_else(String::new, |retained| format!("{retained:11} "));
    let name = printable(name);
    format!("{index:6} {count:6} {size:8} {cumulative:9} {of_old} {retained}{name}")
}

/// `'%9.3g'` of a part in percent.
fn of_old(size: i64, old: u64) -> String {
    if old == 0 {
        return "   (n.a.)".to_owned();
    }
    format!("{:>9}", significant(size as f64 * 100.0 / old as f64))
}

/// `'%.3g'`: three significant digits, without zeros at the end, and with an exponent for
/// what is very large or very small.
fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    // The exponent after rounding to three digits decides about the form.
    let scientific = format!("{value:.2e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..3).contains(&exponent) {
        let decimals = usize::try_from(2 - exponent).unwrap_or(0);
        return without_zeros(&format!("{value:.decimals$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!(
        "{}e{sign}{:02}",
        without_zeros(digits),
        exponent.unsigned_abs()
    )
}

fn without_zeros(number: &str) -> String {
    match number.contains('.') {
        true => number
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
        false => number.to_owned(),
    }
}

/// Writes which objects are new, and where they are held.
pub(crate) fn write_new(out: &mut dyn Write, new: &Newcomers, limit: Limit) -> io::Result<()> {
    let Fates { stayed, came, went } = new.fates;
    let told = [(stayed, "stayed"), (came, "came"), (went, "went")];
    let told = told.iter().filter(|(extent, _)| extent.objects > 0);
    let told: Vec<String> = told
        .map(|(Extent { objects, bytes }, how)| {
            format!("{} ({bytes} bytes) {how}", counted(*objects, "object"))
        })
        .collect();
    writeln!(out, "\n{}.\n", told.join(", "))?;
    if new.set.count() == 0 {
        return Ok(());
    }
    table::write(out, &new.table, limit)?;
    writeln!(out)?;
    merged::write(out, &new.set, &new.held)
}

/// Writes the difference as CSV: `index,count,size,cumulative,retained,kind` (or `type`).
pub(crate) fn write_csv(
    out: &mut dyn Write,
    difference: &Difference,
    limit: Limit,
) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["index", "count", "size", "cumulative", "retained", "name"])?;
    let mut cumulative = 0i64;
    for (index, row) in limit.first_of(&difference.rows).iter().enumerate() {
        cumulative = cumulative.saturating_add(row.size);
        writer.serialize((
            index,
            row.count,
            row.size,
            cumulative,
            row.retained,
            &row.name,
        ))?;
    }
    writer.flush()
}

/// Writes what grew twice.
pub(crate) fn write_growth(
    out: &mut dyn Write,
    grown: &GrownTwice,
    limit: Limit,
) -> io::Result<()> {
    writeln!(out, "What grew twice, of three moments.")?;
    writeln!(out, "        Count     Size")?;
    for (name, total) in ["1st", "2nd", "3rd"].iter().zip(&grown.totals) {
        writeln!(out, "  {name}  {:6} {:8}", total.objects, total.bytes)?;
    }
    if grown.rows.is_empty() {
        return writeln!(out, "\nNothing took more bytes each time.");
    }
    let titles = " Index     Size 1st → 2nd 2nd → 3rd   Count 1st → 2nd 2nd → 3rd  Stayed ";
    writeln!(
        out,
        "\nLargest growth first. Stayed: those that came from the 1st to the 2nd, and are in the \
         3rd.\n{TITLE}{titles}{}{TITLE:#}",
        grown.header
    )?;
    let rows = limit.first_of(&grown.rows);
    for (index, row) in rows.iter().enumerate() {
        writeln!(out, "{}", growth_line(index, row))?;
    }
    match grown.rows.len() - rows.len() {
        0 => Ok(()),
        more => writeln!(out, "<{more} more rows. Use --all or --top N to view.>"),
    }
}

fn growth_line(index: usize, row: &GrowthRow) -> String {
    let [first, second, third] = row.extents;
    let [size, count] = [
        [first.bytes, second.bytes, third.bytes],
        [first.objects, second.objects, third.objects],
    ];
    let change = |of: [u64; 3], step: usize| i128::from(of[step + 1]) - i128::from(of[step]);
    let stayed = row
        .stayed
        .map_or_else(String::new, |stayed| stayed.to_string());
    format!(
        "{index:6} {:8} {:+9} {:+9} {:7} {:+9} {:+9} {stayed:>7} {}",
        size[2],
        change(size, 0),
        change(size, 1),
        count[2],
        change(count, 0),
        change(count, 1),
        printable(&row.name)
    )
}

/// Writes what grew twice as CSV: of each row the counts and sizes at the three moments.
pub(crate) fn write_growth_csv(
    out: &mut dyn Write,
    grown: &GrownTwice,
    limit: Limit,
) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "index", "count_1", "count_2", "count_3", "size_1", "size_2", "size_3", "stayed", "name",
    ])?;
    for (index, row) in limit.first_of(&grown.rows).iter().enumerate() {
        let [a, b, c] = row.extents;
        writer.serialize((
            index,
            (a.objects, b.objects, c.objects),
            (a.bytes, b.bytes, c.bytes),
            row.stayed,
            &row.name,
        ))?;
    }
    writer.flush()
}

/// What `exuvia diff OLD NEW --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct DiffDocument<'a> {
    format: &'static str,
    header: &'a str,
    count: i64,
    size: i64,
    total_rows: usize,
    rows: &'a [DifferenceRow],
    new_objects: Option<NewDocument>,
    old: Side<'a>,
    new: Side<'a>,
}

/// What `exuvia diff OLD NEW NEWER --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct GrowthDocument<'a> {
    format: &'static str,
    header: &'a str,
    total_rows: usize,
    rows: &'a [GrowthRow],
    stayed_objects: Option<NewDocument>,
    moments: Vec<Side<'a>>,
}

/// One of the heaps that are compared.
#[derive(Debug, Serialize)]
struct Side<'a> {
    count: u64,
    size: u64,
    #[serde(flatten)]
    source: Source<'a>,
}

#[derive(Debug, Serialize)]
struct NewDocument {
    fates: Fates,
    count: u64,
    size: u64,
    rows: Vec<PartitionRow>,
    held: MergedPaths,
}

impl<'a> DiffDocument<'a> {
    /// The first rows of a difference.
    pub(crate) fn new(
        old: &'a Heap,
        new: &'a Heap,
        difference: &'a Difference,
        newcomers: Option<Newcomers>,
        limit: Limit,
    ) -> Self {
        let (count, size) = difference.total();
        Self {
            format: "exuvia-diff/1",
            header: &difference.header,
            count,
            size,
            total_rows: difference.rows.len(),
            rows: limit.first_of(&difference.rows),
            new_objects: newcomers.map(|new| NewDocument::of(new, limit)),
            old: Side::of(old, difference.old),
            new: Side::of(new, difference.new),
        }
    }
}

impl<'a> GrowthDocument<'a> {
    /// The first rows of what grew twice.
    pub(crate) fn new(
        heaps: [&'a Heap; 3],
        grown: &'a GrownTwice,
        newcomers: Option<Newcomers>,
        limit: Limit,
    ) -> Self {
        let moments = heaps.into_iter().zip(grown.totals);
        Self {
            format: "exuvia-growth/1",
            header: &grown.header,
            total_rows: grown.rows.len(),
            rows: limit.first_of(&grown.rows),
            stayed_objects: newcomers.map(|new| NewDocument::of(new, limit)),
            moments: moments.map(|(heap, total)| Side::of(heap, total)).collect(),
        }
    }
}

impl<'a> Side<'a> {
    fn of(heap: &'a Heap, total: Extent) -> Self {
        Self {
            count: total.objects,
            size: total.bytes,
            source: Source::of(heap),
        }
    }
}

impl NewDocument {
    fn of(new: Newcomers, limit: Limit) -> Self {
        Self {
            fates: new.fates,
            count: new.set.count(),
            size: new.set.size(),
            rows: limit.first_of(&new.table.rows).to_vec(),
            held: new.held,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exuvia_query::Classifier;
    use exuvia_query::Outside;

    fn partition(rows: &[(&str, u64, u64)]) -> Partition {
        Partition {
            by: Classifier::Kind.into(),
            header: Classifier::Kind.header().to_owned(),
            label: None,
            alive: None,
            selected: false,
            total_rows: rows.len(),
            count: rows.iter().map(|row| row.1).sum(),
            size: rows.iter().map(|row| row.2).sum(),
            rows: rows
                .iter()
                .map(|&(name, count, size)| PartitionRow {
                    name: name.to_owned(),
                    count,
                    size,
                    retained: None,
                })
                .collect(),
            outside: Outside::default(),
        }
    }

    fn text(difference: &Difference, limit: Limit) -> String {
        let mut out = Vec::new();
        write(&mut out, difference, limit).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    /// As guppy3 3.1.7 prints `hp.iso(*texts).stat - hp.iso(*texts, 1, 2.0, …).stat` for fifty
    /// texts and one object each of twelve other types.
    #[test]
    fn a_difference_reads_like_heapys() {
        let new = partition(&[("str", 50, 2590)]);
        let old = partition(&[
            ("str", 50, 2590),
            ("type", 1, 1688),
            ("frozenset", 1, 216),
            ("set", 1, 216),
            ("function", 1, 152),
            ("module", 1, 72),
            ("list", 1, 64),
            ("tuple", 1, 48),
            ("bytes", 1, 34),
            ("complex", 1, 32),
            ("int", 1, 28),
            ("float", 1, 24),
            ("types.NoneType", 1, 16),
        ]);
        let expected = "\
Summary of difference operation (A-B).
        Count     Size
  A        50     2590
  B        62     5180
  A-B     -12    -2590  =       -50 % of B

Differences by kind, largest absolute size diffs first.
 Index  Count     Size  Cumulative  % of B Kind (class / dict of class)
     0     -1    -1688     -1688     -32.6 type
     1     -1     -216     -1904     -36.8 frozenset
     2     -1     -216     -2120     -40.9 set
     3     -1     -152     -2272     -43.9 function
     4     -1      -72     -2344     -45.3 module
     5     -1      -64     -2408     -46.5 list
     6     -1      -48     -2456     -47.4 tuple
     7     -1      -34     -2490     -48.1 bytes
     8     -1      -32     -2522     -48.7 complex
     9     -1      -28     -2550     -49.2 int
<2 more rows. Use --all or --top N to view.>
";
        let difference = Difference::between(&old, &new);
        assert_eq!(text(&difference, Limit::Top(10)), expected);
    }

    #[test]
    fn nothing_different_is_a_summary_alone() {
        let same = partition(&[("str", 50, 2590)]);
        let expected = "\
Summary of difference operation (A-B).
        Count     Size
  A        50     2590
  B        50     2590
  A-B       0        0  =         0 % of B
";
        let difference = Difference::between(&same, &same);
        assert_eq!(text(&difference, Limit::Top(10)), expected);
    }

    /// What Python 3.11 prints for `'%.3g' % value`.
    #[test]
    fn percentages_have_three_digits_as_in_python() {
        for (value, expected) in [
            (0.0, "0"),
            (0.3133, "0.313"),
            (151.456, "151"),
            (-60.23, "-60.2"),
            (2.47, "2.47"),
            (-50.0, "-50"),
            (999.4, "999"),
            (999.6, "1e+03"),
            (1234.5, "1.23e+03"),
            (0.000_012_34, "1.23e-05"),
            (0.000_123_4, "0.000123"),
            (100.0, "100"),
            (10.5, "10.5"),
            (9.995, "9.99"),
            (0.5, "0.5"),
        ] {
            assert_eq!(significant(value), expected, "{value}");
        }
    }
}
