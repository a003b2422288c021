use crate::arguments::{Format, PatternArguments};
use crate::commands::paths::not_selected;
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::{output, target, views};
use exuvia_snapshot::ValuesKept;

/// Prints heapy's reference pattern of a set.
pub(super) fn run(arguments: &PatternArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    // Strings, numbers and names are written as their values.
    let heap = target::load(&arguments.target, Some(ValuesKept::Short), interrupts)?;
    let set = heap.select(&arguments.selection()).map_err(not_selected)?;
    let pattern = heap.pattern(&set, arguments.options());
    let limit = arguments.limit();
    match arguments.format() {
        Format::Text => {
            output::write(|out| views::pattern::write(out, pattern, arguments.width, limit))
        }
        Format::Json => output::write_json(&views::pattern::document(
            &heap,
            &set,
            arguments.options(),
            pattern,
            limit,
        )),
        Format::Csv => output::write(|out| views::pattern::write_csv(out, pattern, limit)),
    }
}
