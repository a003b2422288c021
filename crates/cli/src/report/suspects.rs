use crate::views::{counted, units};
use exuvia_query::{Leaks, Suspect};
use maud::{Markup, html};

/// What probably leaks, with the evidence.
pub(super) fn section(leaks: &Leaks) -> Option<Markup> {
    Some(html! {
        @if leaks.suspects.is_empty() {
            p { "No suspects: nothing in this process looks like a leak." }
        }
        @for suspect in &leaks.suspects {
            (card(suspect))
        }
    })
}

fn card(suspect: &Suspect) -> Markup {
    let kinds = &suspect.kinds;
    let more = kinds.total.saturating_sub(kinds.first.len() as u64);
    html! {
        article.suspect {
            h3 { (suspect.summary) }
            p {
                (units::bytes(suspect.keeps.bytes)) " in "
                (counted(suspect.keeps.objects, "object")) ", "
                (format!("{:.0}", suspect.share * 100.0)) " % of what is alive"
            }
            @for fact in &suspect.evidence {
                p { (fact) }
            }
            @if !kinds.first.is_empty() {
                p {
                    "It keeps "
                    @for (index, kind) in kinds.first.iter().enumerate() {
                        @if index > 0 { ", " }
                        (kind.extent.objects) " of " code { (kind.name) }
                        " (" (units::bytes(kind.extent.bytes)) ")"
                    }
                    @if more > 0 { ", and " (counted(more, "other kind")) }
                    "."
                }
            }
            @if let Some(object) = &suspect.object {
                p {
                    "Look at " (object.kind) " at " code { (format!("{:#x}", object.address)) }
                    ", which keeps " (units::bytes(object.retained)) ": " code { (object.value) }
                }
            }
            @if let Some(path) = &suspect.path {
                p.path { (path) }
            }
        }
    }
}
