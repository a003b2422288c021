use super::paths::not_selected;
use crate::arguments::{Format, HeapArguments, Limit};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::json::HeapDocument;
use crate::{output, target, views};
use exuvia_query::{Partition, PartitionOptions};
use exuvia_snapshot::{Metadata, ValuesKept};

/// Prints heapy's table of the objects of a process or snapshot, or of some of them.
pub(super) fn run(arguments: &HeapArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    if arguments.is_the_kept_table()
        && let Some(overview) = target::overview(&arguments.target)?
    {
        let partition = Partition::of_overview(&overview);
        return print(arguments, &overview.metadata, &partition);
    }
    // Most tables show no contents, so none are read then.
    let values = arguments.needs_values().then_some(ValuesKept::Short);
    let heap = target::load(&arguments.target, values, interrupts)?;
    let options = PartitionOptions {
        by: arguments.table.by,
        retained: arguments.retained,
        rows: match arguments.table.limit() {
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
    print(arguments, &heap.snapshot().metadata, &partition)
}

fn print(
    arguments: &HeapArguments,
    metadata: &Metadata,
    partition: &Partition,
) -> Result<(), Failure> {
    let limit = arguments.table.limit();
    match arguments.table.format() {
        Format::Text => output::write(|out| {
            views::table::write(out, partition, limit)?;
            match partition.selected {
                true => Ok(()),
                false => views::table::write_outside(out, &partition.outside),
            }
        }),
        Format::Json => output::write_json(&HeapDocument::new(metadata, partition, limit)),
        Format::Csv => output::write(|out| views::csv::write(out, partition, limit)),
    }
}
