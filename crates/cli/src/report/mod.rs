//! A report: what exuvia knows of a heap, as one HTML file that loads nothing from elsewhere.
//!
//! One file for each section. What is printed comes from the examined process; `maud` escapes
//! it, and nothing here says `PreEscaped` of anything but the project's own style sheet.

mod diagnostics;
mod header;
mod icicle;
mod memory;
mod suspects;
mod table;
mod threads;

pub(crate) use icicle::tree;

use exuvia_query::{Heap, Leaks, MemoryReport, Partition, Threads, Tree};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The answers that a report shows.
pub(crate) struct Answers<'a> {
    /// The heap that they are of.
    pub(crate) heap: &'a Heap,
    /// The table by kind, with what each kind keeps alive.
    pub(crate) partition: &'a Partition,
    /// The dominator tree, as far as it can be seen in a picture.
    pub(crate) tree: &'a Tree,
    /// What probably leaks.
    pub(crate) leaks: &'a Leaks,
    /// Where its memory is, if that is known.
    pub(crate) memory: Option<&'a MemoryReport<'a>>,
    /// What the process does.
    pub(crate) threads: &'a Threads,
}

/// The whole page.
pub(crate) fn page(answers: &Answers<'_>) -> String {
    let metadata = &answers.heap.snapshot().metadata;
    let sections = [
        ("suspects", "What leaks", suspects::section(answers.leaks)),
        ("kinds", "What fills it", table::section(answers.partition)),
        ("tree", "Who keeps it", icicle::section(answers.tree)),
        (
            "memory",
            "Where the memory is",
            memory::section(answers.memory),
        ),
        ("threads", "What it does", threads::section(answers.threads)),
        (
            "diagnostics",
            "What was not read",
            diagnostics::section(metadata),
        ),
    ];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content={ "exuvia " (env!("CARGO_PKG_VERSION")) };
                // Whatever text gets past the escaping can load and run nothing.
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                title { "Heap of process " (metadata.process.pid) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (header::section(answers))
                (contents(&sections))
                @for (id, title, section) in &sections {
                    @if let Some(section) = section {
                        section id=(id) {
                            h2 { (title) }
                            (section)
                        }
                    }
                }
                footer { "exuvia " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    page.into_string()
}

/// Links to the sections that there are.
fn contents(sections: &[(&str, &str, Option<Markup>)]) -> Markup {
    html! {
        nav {
            @for (id, title, _) in sections.iter().filter(|(.., section)| section.is_some()) {
                a href={ "#" (id) } { (title) }
            }
        }
    }
}
