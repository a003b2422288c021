use crate::arguments::CoreArguments;
use crate::error::Failure;
use crate::interrupts::Interrupts;
use crate::views::modules::{self, ModulesDocument};
use crate::{output, target};
use exuvia_snapshot::ValuesKept;

/// Prints what is loaded in a process: `exec PID @modules`.
pub(super) fn run(pid: i32, json: bool, interrupts: &Interrupts) -> Result<(), Failure> {
    let target = pid.to_string();
    let core = CoreArguments::default();
    // Modules have names and files.
    let kept = Some(ValuesKept::Short);
    let heap = target::load_from(target.as_ref(), &core, true, kept, interrupts)?;
    let found = heap.modules();
    if json {
        return output::write_json(&ModulesDocument::new(&heap, &found));
    }
    output::write(|out| modules::write(out, &found))
}
