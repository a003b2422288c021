use super::paths::not_selected;
use crate::arguments::{Format, TreeArguments};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::tree::TreeDocument;
use crate::{output, target, views};
use exuvia_snapshot::ValuesKept;

/// Prints the dominator tree.
pub(super) fn run(arguments: &TreeArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    // Keys of dictionaries say how one object holds another.
    let heap = target::load(&arguments.target, Some(ValuesKept::Short), interrupts)?;
    let set = arguments
        .selection()
        .map(|selection| heap.select(&selection).map_err(not_selected))
        .transpose()?;
    let options = arguments.options(set.is_some(), heap.dominators().total().bytes);
    let tree = heap.tree(set.as_ref(), &options);
    match arguments.format() {
        Format::Text => output::write(|out| views::tree::write(out, &tree, set.as_ref())),
        Format::Json => output::write_json(&TreeDocument::new(&heap, &tree, set.as_ref())),
        Format::Csv => output::write(|out| views::tree::write_csv(out, &tree)),
    }
}
