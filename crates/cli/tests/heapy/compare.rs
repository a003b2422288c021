//! Two answers to one question, and what differs.

use crate::accepted::accepted;
use crate::questions::{Form, Set, View};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

/// What was compared, and what differed.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// `sys.version_info[:3]`.
    version: (u32, u32, u32),
    /// How many rows, numbers and lines were the same.
    same: usize,
    /// How many questions were asked of both.
    questions: usize,
    /// The rows that were compared last.
    rows: (Vec<Row>, Vec<Row>),
    /// Differences that have a reason, and the reason.
    accepted: Vec<String>,
    /// Those that have none.
    pub(crate) differences: Vec<String>,
}

/// How many objects, their bytes, and what the row is called; less than none in a difference.
type Row = (i64, i64, String);

impl Comparison {
    pub(crate) fn new(version: (u32, u32, u32)) -> Self {
        Self {
            version,
            same: 0,
            questions: 0,
            rows: Default::default(),
            accepted: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// Compares the answers about a set.
    pub(crate) fn compare(
        &mut self,
        set: &Set,
        view: &View,
        heapy: &Value,
        exuvia: &Value,
    ) -> Result<()> {
        self.questions += 1;
        let (wanted, found) = match view.form {
            Form::Rows => (texts(&heapys_rows(heapy)?), texts(&exuvias_rows(exuvia)?)),
            Form::Size => return self.compare_size(set, view, heapy, exuvia),
            Form::Text => return self.compare_lines(set, view, heapy, exuvia),
        };
        self.rows = (heapys_rows(heapy)?, exuvias_rows(exuvia)?);
        self.same += wanted.intersection(&found).count();
        for row in wanted.difference(&found) {
            self.differs(set.name, view.name, &format!("heapy {row}"));
        }
        for row in found.difference(&wanted) {
            self.differs(set.name, view.name, &format!("exuvia {row}"));
        }
        Ok(())
    }

    /// A sum is as right as the rows that were compared just before: it differs by as much as
    /// they do, for their reasons.
    fn compare_size(
        &mut self,
        set: &Set,
        view: &View,
        heapy: &Value,
        exuvia: &Value,
    ) -> Result<()> {
        let sum = |rows: &[Row]| rows.iter().map(|row| row.1).sum::<i64>();
        let sums = (Some(sum(&self.rows.0)), Some(sum(&self.rows.1)));
        if (heapy.as_i64(), exuvia["size"].as_i64()) == sums {
            self.same += 1;
        } else {
            let what = format!("heapy {heapy}, exuvia {}, of {sums:?}", exuvia["size"]);
            self.differs(set.name, view.name, &what);
        }
        Ok(())
    }

    fn compare_lines(
        &mut self,
        set: &Set,
        view: &View,
        heapy: &Value,
        exuvia: &Value,
    ) -> Result<()> {
        let (heapy, exuvia) = (
            heapy.as_str().context("heapy's answer is no text")?,
            exuvia.as_str().context("no text")?,
        );
        let (mut wanted, mut found) = (heapy.trim_end().lines(), exuvia.trim_end().lines());
        loop {
            match (wanted.next(), found.next()) {
                (None, None) => return Ok(()),
                (wanted, found) if wanted == found => self.same += 1,
                (wanted, found) => self.differs(
                    set.name,
                    view.name,
                    &format!(
                        "heapy {}\n        exuvia {}",
                        wanted.unwrap_or("<nothing>"),
                        found.unwrap_or("<nothing>")
                    ),
                ),
            }
        }
    }

    /// Compares the rows of the whole heap that are the application's and Django's: the others
    /// hold what guppy3 itself is made of, which heapy leaves out.
    pub(crate) fn compare_application(
        &mut self,
        view: &str,
        least: usize,
        heapy: &Value,
        exuvia: &Value,
    ) -> Result<()> {
        let application = |rows: Vec<Row>| {
            let names = ["heapy_shop", "django"];
            // A difference of heapy has a row of zeros where two classes of one name did not
            // change.
            let is_its = |row: &Row| {
                (row.0, row.1) != (0, 0) && names.iter().any(|name| row.2.contains(name))
            };
            rows.into_iter().filter(is_its).collect::<Vec<Row>>()
        };
        self.questions += 1;
        let wanted = texts(&application(heapys_rows(heapy)?));
        let found = texts(&application(exuvias_rows(exuvia)?));
        if wanted.len() < least {
            bail!("only {} rows of the application", wanted.len());
        }
        self.same += wanted.intersection(&found).count();
        for row in wanted.symmetric_difference(&found) {
            self.differs("the application", view, row);
        }
        Ok(())
    }

    fn differs(&mut self, set: &str, view: &str, what: &str) {
        let text = format!("{view} of {set}: {what}");
        match accepted(self.version, set, view, what) {
            Some(reason) => self.accepted.push(format!("{text}\n        {reason}")),
            None => self.differences.push(text),
        }
    }
}

/// What heapy's set answers.
fn heapys_rows(answer: &Value) -> Result<Vec<Row>> {
    let rows = answer.as_array();
    let rows = rows.with_context(|| format!("heapy answers {answer}"))?;
    let row = |row: &Value| {
        Some((
            row[0].as_i64()?,
            row[1].as_i64()?,
            row[2].as_str()?.trim_start().to_owned(),
        ))
    };
    let rows: Option<Vec<Row>> = rows.iter().map(row).collect();
    rows.with_context(|| format!("heapy answers {answer}"))
}

/// The rows of a document.
fn exuvias_rows(document: &Value) -> Result<Vec<Row>> {
    let rows = document["rows"]
        .as_array()
        .context("a document without rows")?;
    let row = |row: &Value| {
        let name = row["name"].as_str()?.to_owned();
        Some((row["count"].as_i64()?, row["size"].as_i64()?, name))
    };
    let rows: Option<Vec<Row>> = rows.iter().map(row).collect();
    rows.context("a row without count, size or name")
}

fn texts(rows: &[Row]) -> BTreeSet<String> {
    let text = |(count, size, name): &Row| format!("{count} {size} {name}");
    rows.iter().map(text).collect()
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} questions, {} rows and lines the same, {} differ for a reason, {} without one",
            self.questions,
            self.same,
            self.accepted.len(),
            self.differences.len()
        )?;
        for difference in &self.accepted {
            writeln!(f, "    accepted: {difference}")?;
        }
        for difference in &self.differences {
            writeln!(f, "    NOT ACCEPTED: {difference}")?;
        }
        Ok(())
    }
}
