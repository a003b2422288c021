use crate::pythons::Missing;
use exuvia_cpython::{Flavor, Layout, Version};
use exuvia_testkit::{Interpreter, SupportRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How all reasons end that `layouts/types.toml` gives for the usual case: a field that the
/// collector does not get to see.
const FIELD: &str = " does not visit it.";

/// What is shown of figures that change a little from run to run.
const DIGITS: u32 = 2;

/// What one run has found.
pub(super) struct Table<'a> {
    pub(super) records: Vec<SupportRecord>,
    pub(super) refused: Vec<Interpreter>,
    pub(super) missing: &'a [Missing],
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "| CPython | build | from | objects compared | types | differences | explained |\n\
             |---|---|---|---|---|---|---|\n",
        )?;
        for record in &self.records {
            self.row(f, record)?;
        }
        for (version, flavor) in self.without_a_run() {
            let name = series(version, flavor == Flavor::FreeThreaded);
            writeln!(f, "| {name} | | | synthetic images only | | | |")?;
        }
        for interpreter in &self.refused {
            self.refusal(f, interpreter)?;
        }
        for missing in self.missing {
            let Missing { what, why } = missing;
            writeln!(f, "| {what} | | | not tested: {why} | | | |")?;
        }
        self.reasons(f)
    }
}

impl Table<'_> {
    fn row(&self, f: &mut fmt::Formatter<'_>, record: &SupportRecord) -> fmt::Result {
        let (major, minor, micro) = record.version;
        let flavor = if record.free_threaded { "t" } else { "" };
        let explained = record.explained.values().sum();
        writeln!(
            f,
            "| {major}.{minor}.{micro}{flavor} | {} | {} | {} | {} | {} | {} |",
            record.build,
            record.origin,
            rounded(record.objects),
            record.types,
            record.unexplained,
            rounded(explained),
        )
    }

    fn refusal(&self, f: &mut fmt::Formatter<'_>, interpreter: &Interpreter) -> fmt::Result {
        let (major, minor, micro) = interpreter.version;
        let flavor = if interpreter.free_threaded { "t" } else { "" };
        let build = if interpreter.debug { "debug" } else { "" };
        let origin = interpreter.origin();
        writeln!(
            f,
            "| {major}.{minor}.{micro}{flavor} | {build} | {origin} | refused by name | | | |"
        )
    }

    /// What there is a layout for, and no comparison.
    fn without_a_run(&self) -> impl Iterator<Item = (Version, Flavor)> {
        Layout::supported().filter(|&(version, flavor)| {
            !self.records.iter().any(|record| {
                let (major, minor, _) = record.version;
                (major, minor) == (version.major.into(), version.minor.into())
                    && record.free_threaded == (flavor == Flavor::FreeThreaded)
            })
        })
    }

    /// Each reason once, with the largest number of differences that it explains anywhere and
    /// the series that have any.
    fn reasons(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = BTreeSet::new();
        let mut in_fields = Reason::default();
        let mut others: BTreeMap<&str, Reason> = BTreeMap::new();
        for record in &self.records {
            let series = record.series();
            let mut count_in_fields = 0;
            for (reason, &count) in &record.explained {
                match field(reason) {
                    Some(field) => {
                        fields.insert(field);
                        count_in_fields += count;
                    }
                    None => others.entry(reason).or_default().add(&series, count),
                }
            }
            if count_in_fields > 0 {
                in_fields.add(&series, count_in_fields);
            }
        }
        if fields.is_empty() && others.is_empty() {
            return Ok(());
        }
        f.write_str(
            "\n<details><summary>What explains differences, and how many at most in one \
             interpreter</summary>\n\n\
             | reason | at most | in |\n\
             |---|---|---|\n",
        )?;
        for (reason, found) in &others {
            let text = reason.replace('|', "\\|");
            writeln!(
                f,
                "| {text} | {} | {} |",
                rounded(found.most),
                found.series()
            )?;
        }
        if !fields.is_empty() {
            let list: Vec<_> = fields
                .into_iter()
                .map(|field| format!("`{field}`"))
                .collect();
            writeln!(
                f,
                "| `tp_traverse` or `m_traverse` does not visit a field: {} | {} | {} |",
                list.join(", "),
                rounded(in_fields.most),
                in_fields.series()
            )?;
        }
        f.write_str("\n</details>\n")
    }
}

/// Where a reason holds.
#[derive(Default)]
struct Reason {
    most: usize,
    /// In the order of the rows.
    series: Vec<String>,
}

impl Reason {
    fn add(&mut self, series: &str, count: usize) {
        self.most = self.most.max(count);
        if !self.series.iter().any(|known| known == series) {
            self.series.push(series.to_owned());
        }
    }

    fn series(&self) -> String {
        self.series.join(", ")
    }
}

/// The field of a reason that says no more than that it is not visited.
fn field(reason: &str) -> Option<&str> {
    let (field, text) = reason.split_once(": ")?;
    let usual = text.starts_with('`') && text.ends_with(FIELD);
    usual.then_some(field)
}

fn series(version: Version, free_threaded: bool) -> String {
    let flavor = if free_threaded { "t" } else { "" };
    format!("{}.{}{flavor}", version.major, version.minor)
}

/// A number without the digits that differ from run to run: 263985 is 260,000.
fn rounded(number: usize) -> String {
    let digits = number.checked_ilog10().map_or(1, |log| log + 1);
    let unit = 10_usize.pow(digits.saturating_sub(DIGITS));
    let number = number.saturating_add(unit / 2) / unit * unit;
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::support) fn record(minor: u32, reasons: &[(&str, usize)]) -> SupportRecord {
        SupportRecord {
            version: (3, minor, 1),
            free_threaded: false,
            build: "shared".to_owned(),
            origin: "pyenv".to_owned(),
            objects: 263_985,
            types: 659,
            unexplained: 0,
            explained: reasons
                .iter()
                .map(|&(reason, count)| (reason.to_owned(), count))
                .collect(),
        }
    }

    #[test]
    fn figures_lose_what_changes_from_run_to_run() {
        let numbers = [0, 7, 42, 263, 999, 1_250, 263_985];
        let texts = numbers.map(rounded);
        assert_eq!(texts, ["0", "7", "42", "260", "1,000", "1,300", "260,000"]);
    }

    #[test]
    fn what_did_not_run_is_in_the_table() {
        let missing = [Missing {
            what: "CPython 3.14 (debian-sid)".to_owned(),
            why: "no network".to_owned(),
        }];
        let table = Table {
            records: vec![record(12, &[])],
            refused: Vec::new(),
            missing: &missing,
        };
        let text = table.to_string();
        let has = |line: &str| text.lines().any(|found| found == line);
        assert!(
            has("| 3.12.1 | shared | pyenv | 260,000 | 659 | 0 | 0 |"),
            "{text}"
        );
        assert!(has("| 3.11 | | | synthetic images only | | | |"), "{text}");
        assert!(
            has("| CPython 3.14 (debian-sid) | | | not tested: no network | | | |"),
            "{text}"
        );
        assert!(!text.contains("| 3.12 | | |"), "{text}");
    }

    #[test]
    fn every_reason_is_told_once() {
        let field = "module->a: `m_traverse` does not visit it.";
        let table = Table {
            records: vec![
                record(11, &[("a | b", 3), (field, 1)]),
                record(12, &[("a | b", 1234), (field, 2)]),
            ],
            refused: Vec::new(),
            missing: &[],
        };
        let text = table.to_string();
        assert!(
            text.contains("| a \\| b | 1,200 | 3.11, 3.12 |\n"),
            "{text}"
        );
        let fields = "does not visit a field: `module->a` | 2 | 3.11, 3.12 |\n";
        assert!(text.contains(fields), "{text}");
        assert!(text.contains("| 3.12.1 | shared | pyenv | 260,000 | 659 | 0 | 1,200 |"));
    }
}
