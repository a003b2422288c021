use super::table::bar;
use crate::views::memory::{name, relief_sentence};
use crate::views::units;
use exuvia_query::MemoryReport;
use maud::{Markup, html};

/// Where the resident bytes are; nothing, where the snapshot does not tell.
pub(super) fn section(report: Option<&MemoryReport<'_>>) -> Option<Markup> {
    let report = report?;
    Some(html! {
        table.bars {
            thead {
                tr {
                    th.number { @if report.is_resident { "Resident" } @else { "Mapped" } }
                    th { "Where" }
                }
            }
            @for row in report.rows.iter().filter(|row| row.bytes > 0) {
                tr {
                    td.number { (units::bytes(row.bytes)) }
                    td {
                        (bar(row.bytes, report.total))
                        (name(row.part))
                    }
                }
            }
            tr {
                td.number { (units::bytes(report.total)) }
                td { "in all" }
            }
        }
        p { (relief_sentence(report)) }
    })
}
