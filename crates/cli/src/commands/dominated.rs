use crate::arguments::{DominatedArguments, Format};
use crate::commands::paths::not_selected;
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::dominated::Dominated;
use crate::views::neighbours::{Answer, Side};
use crate::{output, target};
use exuvia_snapshot::ValuesKept;

/// Prints what would go if a set went, or what dominates the set.
pub(super) fn run(arguments: &DominatedArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    let values = arguments.needs_values().then_some(ValuesKept::Short);
    let heap = target::load(&arguments.target, values, interrupts)?;
    let set = heap.select(&arguments.selection()).map_err(not_selected)?;
    let limit = arguments.table.limit();
    if arguments.imdom {
        let neighbours = heap.immediate_dominators(&set);
        let partition = heap.divided(Some(&neighbours.objects), arguments.partition());
        let answer = Answer {
            heap: &heap,
            side: Side::ImmediateDominators,
            set: &set,
            weak: false,
            neighbours: &neighbours,
            partition: &partition,
            edges: false,
            limit,
        };
        return match arguments.table.format() {
            Format::Text => output::write(|out| answer.write(out)),
            Format::Json => output::write_json(&answer.document()),
            Format::Csv => output::write(|out| answer.write_csv(out)),
        };
    }
    let dominated = Dominated::new(&heap, &set, arguments.partition(), limit);
    match arguments.table.format() {
        Format::Text => output::write(|out| dominated.write(out)),
        Format::Json => output::write_json(&dominated.document()),
        Format::Csv => output::write(|out| dominated.write_csv(out)),
    }
}
