use crate::views::units;
use exuvia_query::Partition;
use maud::{Markup, html};

/// Rows beyond this are counted, not shown.
const ROWS: usize = 25;

/// The table by kind, what keeps most first; each row has a bar of its share.
pub(super) fn section(partition: &Partition) -> Option<Markup> {
    let more = partition.rows.len().saturating_sub(ROWS);
    Some(html! {
        table.bars {
            thead {
                tr {
                    th.number { "Count" }
                    th.number { "Size" }
                    th.number { "Retained" }
                    th { (partition.header) }
                }
            }
            @for row in partition.rows.iter().take(ROWS) {
                tr {
                    td.number { (row.count) }
                    td.number { (units::bytes(row.size)) }
                    td.number { (row.retained.map(units::bytes).unwrap_or_default()) }
                    td {
                        (bar(row.retained.unwrap_or(row.size), partition.size))
                        (row.name)
                    }
                }
            }
        }
        @if more > 0 {
            p.more { (more) " more rows" }
        }
    })
}

/// A bar that is as long as the part of the whole.
pub(super) fn bar(part: u64, whole: u64) -> Markup {
    let percent = part as f64 * 100.0 / whole.max(1) as f64;
    html! { span.bar style={ "width:" (format!("{percent:.2}")) "%" } {} }
}
