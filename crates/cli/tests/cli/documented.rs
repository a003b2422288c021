//! The page about selections, and `--help`, say what the code does.

use crate::answer;
use exuvia_query::{Classifier, Expression, Field, FieldForm};

const PAGE: &str = include_str!("../../../../docs/selection.md");

fn form(field: Field) -> &'static str {
    match field.form() {
        FieldForm::Text => "text",
        FieldForm::Number => "number",
        FieldForm::Bytes => "bytes",
        FieldForm::Value => "text, number",
        FieldForm::Flag => "true or false",
    }
}

/// The rows of the page's table that begins with this column.
fn rows(first: &str) -> Vec<&'static str> {
    let table = PAGE.split_once(&format!("\n| {first} |")).unwrap().1;
    let rows = table.lines().skip(2);
    rows.take_while(|line| line.starts_with('|')).collect()
}

#[test]
fn the_page_has_every_field_and_no_other() {
    let rows = rows("field");
    assert_eq!(rows.len(), Field::ALL.len());
    for (row, field) in rows.iter().zip(Field::ALL) {
        let begin = format!("| `{}` | {} | ", field.name(), form(field));
        let meaning = row
            .strip_prefix(&begin)
            .unwrap_or_else(|| panic!("{row}: {begin}"));
        let words = |text: &str| text.replace('`', "");
        let said = words(field.meaning());
        let said = said.split(':').next().unwrap();
        assert!(words(meaning).starts_with(said), "{meaning}: {said}");
    }
}

#[test]
fn the_page_has_every_classifier_and_no_other() {
    let rows = rows("`--by`");
    assert_eq!(rows.len(), Classifier::ALL.len());
    for (row, classifier) in rows.iter().zip(Classifier::ALL) {
        assert!(
            row.starts_with(&format!("| `{}` | ", classifier.name())),
            "{row}"
        );
    }
}

#[test]
fn every_expression_on_the_page_is_one() {
    let mut found = 0;
    for line in PAGE.lines().filter(|line| line.starts_with("exuvia ")) {
        for option in ["--where \"", "--of \""] {
            if let Some((_, rest)) = line.split_once(option) {
                let text = rest.split('"').next().unwrap();
                text.parse::<Expression>()
                    .unwrap_or_else(|error| panic!("{error}"));
                found += 1;
            }
        }
    }
    assert_eq!(found, 4);
}

#[test]
fn help_has_the_same_language() {
    for command in ["heap", "paths"] {
        let help = answer([command, "--help"]);
        for field in Field::ALL {
            let line = format!("{:12} {}", field.name(), field.meaning());
            let begin: String = line.chars().take(50).collect();
            assert!(help.contains(begin.trim()), "{command}: {line}");
        }
        for example in ["size > 1 MB and kind = 'str'", "value contains 'secret'"] {
            assert!(help.contains(example), "{command}: {example}");
        }
    }
    let help = answer(["heap", "--help"]);
    for classifier in Classifier::ALL {
        assert!(
            help.contains(&format!("  {:12} ", classifier.name())),
            "{classifier:?}"
        );
    }
}
