use crate::arguments::{Format, Limit, WasteArguments};
use crate::capture::Extras;
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::{output, target, views};
use exuvia_snapshot::ValuesKept;

/// Prints what of the memory of a process could be saved.
pub(super) fn run(arguments: &WasteArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    let extras = Extras {
        memory: false,
        digests: true,
    };
    let values = Some(ValuesKept::Short);
    let heap = target::load_with(&arguments.target, values, extras, interrupts)?;
    let top = match arguments.limit() {
        Limit::Top(top) => top,
        Limit::All => usize::MAX,
    };
    let report = heap.waste(top);
    match arguments.format() {
        Format::Text => output::write(|out| views::waste::write(out, &report)),
        Format::Json => output::write_json(&views::waste::WasteDocument::new(&heap, &report)),
        Format::Csv => output::write(|out| views::waste::write_csv(out, &report)),
    }
}
