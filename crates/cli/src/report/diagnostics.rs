use exuvia_snapshot::Metadata;
use maud::{Markup, html};

/// What the capture did not get; nothing, when it got everything.
pub(super) fn section(metadata: &Metadata) -> Option<Markup> {
    let diagnostics = &metadata.diagnostics;
    (!diagnostics.is_empty()).then(|| {
        html! {
            table {
                thead { tr { th { "Times" } th { "What" } } }
                @for diagnostic in diagnostics {
                    tr {
                        td.number { (diagnostic.count) }
                        td { (diagnostic.message) " (" code { (diagnostic.code) } ")" }
                    }
                }
            }
        }
    })
}
