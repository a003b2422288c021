use crate::arguments::{CoreArguments, Format, Limit, ThreadsArguments};
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::threads::{self, ThreadsDocument};
use crate::{output, target};
use exuvia_snapshot::ValuesKept;

/// Prints the stacks of a process, without options: `exec PID @stacks`.
pub(super) fn run_for(pid: i32, json: bool, interrupts: &Interrupts) -> Result<(), Failure> {
    let target = pid.to_string();
    let core = CoreArguments::default();
    let kept = Some(ValuesKept::Short);
    let heap = target::load_from(target.as_ref(), &core, true, kept, interrupts)?;
    let found = heap.threads(false);
    if json {
        return output::write_json(&ThreadsDocument::new(&heap, &found, Limit::All));
    }
    output::write(|out| threads::write(out, &found, Limit::All))
}

/// Prints what a process does: the stacks of threads, tasks and generators.
pub(super) fn run(arguments: &ThreadsArguments, interrupts: &Interrupts) -> Result<(), Failure> {
    // Threads and tasks have names, and variables have values.
    let heap = target::load(&arguments.target, Some(ValuesKept::Short), interrupts)?;
    let found = heap.threads(arguments.locals);
    let limit = arguments.limit();
    match arguments.format() {
        Format::Text => output::write(|out| threads::write(out, &found, limit)),
        Format::Json => output::write_json(&ThreadsDocument::new(&heap, &found, limit)),
        Format::Csv => output::write(|out| threads::write_csv(out, &found, limit)),
    }
}
