use crate::arguments::{self, CompletionsArguments};
use crate::error::Failure;
use crate::output;

/// Prints the completions for a shell.
pub(super) fn run(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut arguments::definition(),
        "exuvia",
        &mut script,
    );
    output::write(|out| out.write_all(&script))
}
