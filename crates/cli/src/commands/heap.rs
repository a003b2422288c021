use crate::arguments::{HeapArguments, HeapFormat};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::json::HeapDocument;
use crate::{output, target, views};

/// Prints heapy's table of the objects of a process or snapshot.
pub(super) fn run(arguments: &HeapArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    // The table shows no contents, so none are read.
    let heap = target::load(
        &arguments.target,
        &arguments.core,
        None,
        &arguments.native,
        interrupts,
    )?;
    let partition = heap.partition(arguments.classifier());
    let limit = arguments.limit();
    match arguments.format() {
        HeapFormat::Text => output::write(|out| {
            views::table::write(out, &partition, limit)?;
            views::table::write_outside(out, &partition.outside)
        }),
        HeapFormat::Json => output::write_json(&HeapDocument::new(&heap, &partition, limit)),
        HeapFormat::Csv => output::write(|out| views::csv::write(out, &partition, limit)),
    }
}
