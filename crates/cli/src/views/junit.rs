//! Limits as test cases, for what shows the tests of a CI run.

use super::check::sentence;
use exuvia_query::{Measure, Verdict};
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use std::io;
use std::path::Path;

/// Writes a JUnit file with a test case for each limit.
pub(crate) fn write(path: &Path, verdicts: &[Verdict]) -> io::Result<()> {
    let mut suite = TestSuite::new("exuvia check");
    suite.add_test_cases(verdicts.iter().map(case));
    let mut report = Report::new("exuvia");
    report.add_test_suite(suite);
    let text = report
        .to_string()
        .map_err(|error: SerializeError| io::Error::other(error))?;
    std::fs::write(path, text)
}

fn case(verdict: &Verdict) -> TestCase {
    let limitation = &verdict.limitation;
    let measure = match limitation.measure {
        Measure::Count => "number",
        Measure::Size => "size",
        Measure::Retained => "retained size",
        Measure::Garbage => "garbage",
    };
    let name = match &limitation.name {
        Some(name) => format!("{measure} of {name}"),
        None => measure.to_owned(),
    };
    // A name that nothing has may be misspelt: nobody shall take that for a limit that holds.
    let mut status = match &verdict.closest {
        Some(_) => TestCaseStatus::skipped(),
        None => TestCaseStatus::success(),
    };
    if verdict.closest.is_some() {
        status.set_message("no kind and no type has this name");
    }
    if !verdict.passed {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(sentence(verdict));
        status.set_description(verdict.paths.join("\n"));
    }
    let mut case = TestCase::new(name, status);
    case.set_classname("exuvia.check");
    case
}
