use crate::arguments::{Format, LeaksArguments};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::leaks::{self, LeaksDocument};
use crate::{output, target};
use exuvia_snapshot::ValuesKept;

/// Prints what probably leaks. Having found something is no failure.
pub(super) fn run(arguments: &LeaksArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    // Paths have keys, and threads and functions have names.
    let heap = target::load(&arguments.target, Some(ValuesKept::Short), interrupts)?;
    let found = heap.leaks();
    let limit = arguments.limit();
    match arguments.format() {
        Format::Text => {
            let target = arguments.target.target.to_string_lossy();
            output::write(|out| leaks::write(out, &found, &target, limit))
        }
        Format::Json => output::write_json(&LeaksDocument::new(&heap, &found, limit)),
        Format::Csv => output::write(|out| leaks::write_csv(out, &found, limit)),
    }
}
