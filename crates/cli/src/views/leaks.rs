//! Suspects, in plain words.

use super::json::Source;
use super::{TITLE, counted, printable, units};
use crate::arguments::Limit;
use exuvia_query::{Excerpt, Extent, Heap, KeptKind, Leaks, Question, Suspect};
use serde::Serialize;
use std::io::{self, Write};

/// What `exuvia leaks --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct LeaksDocument<'a> {
    format: &'static str,
    alive: Extent,
    total_suspects: usize,
    suspects: &'a [Suspect],
    #[serde(flatten)]
    source: Source<'a>,
}

impl<'a> LeaksDocument<'a> {
    /// The first suspects.
    pub(crate) fn new(heap: &'a Heap, found: &'a Leaks, limit: Limit) -> Self {
        Self {
            format: "exuvia-leaks/1",
            alive: found.alive,
            total_suspects: found.suspects.len(),
            suspects: limit.first_of(&found.suspects),
            source: Source::of(heap),
        }
    }
}

/// Writes the suspects for people; `target` is what they typed.
pub(crate) fn write(
    out: &mut dyn Write,
    found: &Leaks,
    target: &str,
    limit: Limit,
) -> io::Result<()> {
    let Extent { objects, bytes } = found.alive;
    let heap = format!(
        "{} alive, {}",
        counted(objects, "object"),
        units::bytes(bytes)
    );
    if found.suspects.is_empty() {
        return writeln!(
            out,
            "No suspects: nothing in this process looks like a leak ({heap})."
        );
    }
    let count = counted(found.suspects.len() as u64, "suspect");
    writeln!(out, "{TITLE}{count}{TITLE:#} ({heap})")?;
    let shown = limit.first_of(&found.suspects);
    for (index, suspect) in shown.iter().enumerate() {
        write_suspect(out, index, suspect, target)?;
    }
    match found.suspects.len() - shown.len() {
        0 => Ok(()),
        more => writeln!(
            out,
            "\n<{more} more suspects. Use --all or --top N to view.>"
        ),
    }
}

fn write_suspect(
    out: &mut dyn Write,
    index: usize,
    suspect: &Suspect,
    target: &str,
) -> io::Result<()> {
    let Extent { objects, bytes } = suspect.keeps;
    writeln!(
        out,
        "\n{TITLE}{index}: {}{TITLE:#}",
        printable(&suspect.summary)
    )?;
    writeln!(
        out,
        "   {} in {}, {:.0} % of what is alive",
        units::bytes(bytes),
        counted(objects, "object"),
        suspect.share * 100.0
    )?;
    for fact in &suspect.evidence {
        writeln!(out, "   {}", printable(fact))?;
    }
    if let Some(kinds) = kinds(&suspect.kinds) {
        writeln!(out, "   it keeps {}", printable(&kinds))?;
    }
    if let Some(object) = &suspect.object {
        writeln!(
            out,
            "   look at {} at {:#x}, which keeps {}: {}",
            printable(&object.kind),
            object.address,
            units::bytes(object.retained),
            printable(&object.value)
        )?;
    }
    if let Some(path) = &suspect.path {
        writeln!(out, "   path: {}", printable(path))?;
    }
    for question in &suspect.next {
        writeln!(out, "   next: {}", printable(&command(question, target)))?;
    }
    Ok(())
}

/// The kinds of what a suspect keeps, in words.
fn kinds(kinds: &Excerpt<KeptKind>) -> Option<String> {
    let named: Vec<_> = kinds
        .first
        .iter()
        .map(|KeptKind { name, extent }| {
            let Extent { objects, bytes } = extent;
            format!("{objects} of {name} ({})", units::bytes(*bytes))
        })
        .collect();
    let others = match kinds.total.saturating_sub(named.len() as u64) {
        0 => String::new(),
        more => format!(", and {}", counted(more, "other kind")),
    };
    (!named.is_empty()).then(|| named.join(", ") + &others)
}

/// A command line that can be pasted into a shell.
fn command(question: &Question, target: &str) -> String {
    let arguments = question.arguments.iter().map(String::as_str);
    let words = [question.command, target].into_iter().chain(arguments);
    words.fold("exuvia".to_owned(), |line, word| line + " " + &quoted(word))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Writes a line for each suspect, after one with the names of the columns.
pub(crate) fn write_csv(out: &mut dyn Write, found: &Leaks, limit: Limit) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "index", "reason", "objects", "size", "share", "address", "kind", "summary", "path",
    ])?;
    for (index, suspect) in limit.first_of(&found.suspects).iter().enumerate() {
        let object = suspect.object.as_ref();
        writer.serialize((
            index,
            suspect.reason,
            suspect.keeps.objects,
            suspect.keeps.bytes,
            format!("{:.4}", suspect.share),
            object.map(|object| object.address),
            object.map(|object| object.kind.as_str()),
            &suspect.summary,
            &suspect.path,
        ))?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::printed::{text, written};
    use exuvia_query::{Reason, SuspectObject};

    fn found() -> Leaks {
        let extent = |objects, bytes| Extent { objects, bytes };
        let cache = Suspect {
            reason: Reason::Cache,
            summary: "a cache without a bound has 60000 entries".to_owned(),
            keeps: extent(180_000, 14_200_000),
            share: 0.816,
            evidence: vec!["nothing is ever taken out of it".to_owned()],
            kinds: Excerpt {
                total: 3,
                first: vec![KeptKind {
                    name: "str".to_owned(),
                    extent: extent(120_000, 7_995_560),
                }],
            },
            object: Some(SuspectObject {
                address: 0x7f10,
                kind: "dict\x1b".to_owned(),
                value: "{}".to_owned(),
                retained: 14_200_000,
            }),
            path: Some("hp.Root.i0_modules['shop']".to_owned()),
            next: vec![Question {
                command: "paths",
                arguments: vec!["--kind".to_owned(), "dict of it's".to_owned()],
            }],
        };
        Leaks {
            alive: extent(204_000, 17_400_000),
            suspects: vec![cache],
        }
    }

    #[test]
    fn a_suspect_with_its_evidence_and_what_to_ask_next() {
        let expected = "\
1 suspect (204000 objects alive, 17.4 MB)

0: a cache without a bound has 60000 entries
   14.2 MB in 180000 objects, 82 % of what is alive
   nothing is ever taken out of it
   it keeps 120000 of str (8.00 MB), and 2 other kinds
   look at dict\\x1b at 0x7f10, which keeps 14.2 MB: {}
   path: hp.Root.i0_modules['shop']
   next: exuvia paths 'my heap.exuvia' --kind 'dict of it'\\''s'
";
        let text = text(|out| write(out, &found(), "my heap.exuvia", Limit::All));
        assert_eq!(text, expected);
    }

    #[test]
    fn no_suspect_is_said() {
        let healthy = Leaks {
            suspects: Vec::new(),
            ..found()
        };
        let text = text(|out| write(out, &healthy, "4242", Limit::All));
        let expected = "No suspects: nothing in this process looks like a leak \
            (204000 objects alive, 17.4 MB).\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn suspects_as_csv() {
        let csv = written(|out| write_csv(out, &found(), Limit::All));
        let expected = "index,reason,objects,size,share,address,kind,summary,path\n\
            0,cache,180000,14200000,0.8160,32528,dict\x1b,\
            a cache without a bound has 60000 entries,hp.Root.i0_modules['shop']\n";
        assert_eq!(csv, expected);
    }
}
