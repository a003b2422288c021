use super::{Format, FormatArguments, Limit, LimitArguments, TargetArguments};
use clap::Args;

/// What `memory` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia memory 4242               where the resident bytes are
  exuvia memory 4242 --top 30      with thirty kinds of objects
  exuvia memory before.exuvia      the same of a snapshot
  exuvia memory core.4242          a core file: what it has, not what was in RAM")]
pub(crate) struct MemoryArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    format: FormatArguments,
}

impl MemoryArguments {
    /// How the answer is printed.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }

    /// How many kinds of objects are printed. People get ten; programs get everything.
    pub(crate) fn limit(&self) -> Limit {
        self.limit.limit_for(self.format())
    }
}
