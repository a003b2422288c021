use super::{Format, FormatArguments, Limit, LimitArguments, TargetArguments};
use clap::Args;

/// What `threads` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Stacks are in the order of Python's tracebacks: the most recent call is the last. Of tasks, and of
generators and coroutines that wait, those at the same place are shown once, and counted; --top and
--all say how many places are shown.

Examples:
  exuvia threads 4242           what does the process do?
  exuvia threads 4242 --locals  with the variables of each frame
  exuvia threads core.4242      what did it do when it crashed?
  exuvia threads 4242 --json    every task and every frame, for a program")]
pub(crate) struct ThreadsArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// Show the variables of each frame
    #[arg(long)]
    pub(crate) locals: bool,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    format: FormatArguments,
}

impl ThreadsArguments {
    /// How the answer is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }

    /// How many places are printed where tasks and generators wait. People get ten; programs get
    /// everything.
    pub(crate) fn limit(&self) -> Limit {
        self.limit.limit_for(self.format())
    }
}
