use crate::arguments::ShowArguments;
use crate::commands::paths::not_selected;
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::json::ObjectDocument;
use crate::{output, target, views};
use exuvia_query::{Selection, SelectionError, Term};
use exuvia_snapshot::ValuesKept;

/// Prints one object.
pub(super) fn run(arguments: &ShowArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    let heap = target::load(&arguments.target, Some(ValuesKept::Short), interrupts)?;
    // Garbage can be looked at as well, so the row is enough, and whether it is reachable
    // does not matter.
    let Some(id) = heap.snapshot().objects.at(arguments.address) else {
        let error = heap
            .select(&Selection::from(Term::At(arguments.address)))
            .err();
        return Err(not_selected(error.unwrap_or(SelectionError::NoObjectAt {
            address: arguments.address,
            inside: None,
        })));
    };
    let object = heap.object(id);
    if arguments.json {
        output::write_json(&ObjectDocument::new(&heap, &object))
    } else {
        output::write(|out| views::object::write(out, &object))
    }
}
