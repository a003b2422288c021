use crate::arguments::{Format, HeapArguments};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::json::HeapDocument;
use crate::{output, target, views};

/// Prints heapy's table of the objects of a process or snapshot.
pub(super) fn run(arguments: &HeapArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    // The table shows no contents, so none are read.
    let heap = target::load(&arguments.target, None, interrupts)?;
    let partition = heap.partition(arguments.classifier());
    let limit = arguments.limit();
    match arguments.format() {
        Format::Text => output::write(|out| {
            views::table::write(out, &partition, limit)?;
            views::table::write_outside(out, &partition.outside)
        }),
        Format::Json => output::write_json(&HeapDocument::new(&heap, &partition, limit)),
        Format::Csv => output::write(|out| views::csv::write(out, &partition, limit)),
    }
}
