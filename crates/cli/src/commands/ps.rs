use crate::arguments::PsArguments;
use crate::error::Failure;
use crate::views::json::ProcessesDocument;
use crate::{output, views};
use std::io::IsTerminal;

/// Lists running Pythons.
pub(super) fn run(arguments: &PsArguments) -> Result<(), Failure> {
    let processes = exuvia_tracee::list_processes();
    if arguments.json {
        return output::write_json(&ProcessesDocument::new(&processes));
    }
    if processes.is_empty() {
        tell!("no Python process is visible from here");
    }
    output::write(|out| views::processes::write(out, &processes, width()))
}

/// The width of the terminal that stdout is; none when it is something else.
fn width() -> Option<usize> {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let (width, _) = terminal_size::terminal_size_of(stdout)?;
    Some(usize::from(width.0))
}
