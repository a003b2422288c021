use super::{Format, FormatArguments, Limit, LimitArguments, TargetArguments};
use clap::Args;

/// What `leaks` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
A suspect is told with the numbers that speak for it, a path to it, and what to ask next; the
heaviest comes first. A healthy process has none. The exit code is 0 either way.

Examples:
  exuvia leaks 4242             what leaks in this process?
  exuvia leaks before.exuvia    in a snapshot, whose addresses stay
  exuvia leaks 4242 --json      for a program")]
pub(crate) struct LeaksArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    format: FormatArguments,
}

impl LeaksArguments {
    /// How the answer is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }

    /// How many suspects are printed. People get ten; programs get everything.
    pub(crate) fn limit(&self) -> Limit {
        self.limit.limit_for(self.format())
    }
}
