use super::paths::not_selected;
use crate::arguments::{Format, HeapArguments, Limit};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::json::HeapDocument;
use crate::{output, target, views};
use exuvia_query::PartitionOptions;
use exuvia_snapshot::ValuesKept;

/// Prints heapy's table of the objects of a process or snapshot, or of some of them.
pub(super) fn run(arguments: &HeapArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    // Most tables show no contents, so none are read then.
    let values = arguments.needs_values().then_some(ValuesKept::Short);
    let heap = target::load(&arguments.target, values, interrupts)?;
    let limit = arguments.limit();
    let options = PartitionOptions {
        by: arguments.by,
        retained: arguments.retained,
        rows: match limit {
            // One that is left over is shown as well.
            Limit::Top(top) => Some(top.saturating_add(1)),
            Limit::All => None,
        },
    };
    let selection = arguments.set.selection();
    let set = match selection.all_of.is_empty() {
        true => None,
        false => Some(heap.select(&selection).map_err(not_selected)?),
    };
    let partition = heap.divided(set.as_ref(), options);
    match arguments.format() {
        Format::Text => output::write(|out| {
            views::table::write(out, &partition, limit)?;
            match partition.selected {
                true => Ok(()),
                false => views::table::write_outside(out, &partition.outside),
            }
        }),
        Format::Json => output::write_json(&HeapDocument::new(&heap, &partition, limit)),
        Format::Csv => output::write(|out| views::csv::write(out, &partition, limit)),
    }
}
