use crate::arguments::{Format, NeighboursArguments};
use crate::commands::paths::not_selected;
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::neighbours::{Answer, Side};
use crate::{output, target};
use exuvia_snapshot::ValuesKept;

/// Prints the objects on the other side of the references of a set.
pub(super) fn run(
    arguments: &NeighboursArguments,
    side: Side,
    interrupts: &Interrupts,
) -> Result<(), Failure> {
    let values = arguments.needs_values().then_some(ValuesKept::Short);
    let heap = target::load(&arguments.target, values, interrupts)?;
    let set = heap.select(&arguments.selection()).map_err(not_selected)?;
    let weak = arguments.weak;
    let neighbours = match side {
        Side::Referents => heap.referents(&set, weak),
        Side::Referrers | Side::ImmediateDominators => heap.referrers(&set, weak),
    };
    let partition = heap.divided(Some(&neighbours.objects), arguments.partition());
    let answer = Answer {
        heap: &heap,
        side,
        set: &set,
        weak,
        neighbours: &neighbours,
        partition: &partition,
        edges: arguments.edges,
        limit: arguments.table.limit(),
    };
    match arguments.table.format() {
        Format::Text => output::write(|out| answer.write(out)),
        Format::Json => output::write_json(&answer.document()),
        Format::Csv => output::write(|out| answer.write_csv(out)),
    }
}
