use crate::arguments::{Format, MemoryArguments};
use crate::capture::Extras;
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::{output, target, views};

/// Prints where the memory of a process is.
pub(super) fn run(arguments: &MemoryArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    let extras = Extras {
        memory: true,
        digests: false,
    };
    let heap = target::load_with(&arguments.target, None, extras, interrupts)?;
    let report = heap.memory().map_err(|error| {
        let hint = "an older exuvia wrote it; `exuvia dump PID` writes one that says so";
        Failure::from_error(error).hint(Some(hint.to_owned()))
    })?;
    let limit = arguments.limit();
    match arguments.format() {
        Format::Text => output::write(|out| views::memory::write(out, &report, limit)),
        Format::Json => {
            output::write_json(&views::memory::MemoryDocument::new(&heap, &report, limit))
        }
        Format::Csv => output::write(|out| views::memory::write_csv(out, &report, limit)),
    }
}
